import { DefaultLogger, Runtime } from '@temporalio/worker'

/** Failing activities are what many tests are about: only the SDK's own errors are of interest. */
export function quietRuntime(): void {
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { filter: 'temporal_sdk_core=ERROR', forward: {} } },
  })
}
