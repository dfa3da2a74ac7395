import {
  Client,
  type ClientOptions,
  Connection,
  type ConnectionOptions,
  defaultGrpcRetryOptions,
  makeGrpcRetryInterceptor,
} from '@temporalio/client'
import { loadClientConnectConfig } from '@temporalio/envconfig'
import { NativeConnection } from '@temporalio/worker'
import { failure, messageOf } from '../core/errors.ts'
import { createDataConverter } from './data-converter.ts'
import type { Keys } from './keys.ts'

/** Where Temporal is and how to get in: the same profile file and TEMPORAL_* variables as its own CLI. */
export interface Engine {
  readonly connectionOptions: NonNullable<ReturnType<typeof loadClientConnectConfig>['connectionOptions']> &
    Pick<ConnectionOptions, 'connectTimeout'>
  readonly namespace: string
}

/**
 * Reads the Temporal profile; `undefined` when neither TEMPORAL_ADDRESS nor a profile names an address,
 * so that Steward brings its own.
 *
 * @throws CONFIG_INVALID
 * @see https://docs.temporal.io/develop/environment-configuration
 */
export function configuredEngine(): Engine | undefined {
  const { connectionOptions, namespace } = readProfile()
  if (!connectionOptions.address) return undefined
  return { connectionOptions, namespace: namespace ?? 'default' }
}

function readProfile(): ReturnType<typeof loadClientConnectConfig> {
  try {
    return loadClientConnectConfig()
  } catch (error) {
    throw failure('CONFIG_INVALID', `the Temporal profile cannot be used: ${messageOf(error)}`)
  }
}

const retries = defaultGrpcRetryOptions()
/** Seconds between two tries would let an answer come long after the time its caller gave it. */
const longestRetryWaitMs = 500
/** After an outage gRPC would not look for up to two minutes whether the engine is back. */
const longestReconnectMs = 5_000

/**
 * Connects a client that encrypts everything it sends.
 *
 * @throws ENGINE_UNREACHABLE
 */
export async function connectClient(engine: Engine, keys: Keys): Promise<{ client: Client; close(): Promise<void> }> {
  const connection = await reach(engine, () =>
    Connection.connect({
      connectTimeout: '10s',
      channelArgs: {
        'grpc.initial_reconnect_backoff_ms': longestRetryWaitMs,
        'grpc.max_reconnect_backoff_ms': longestReconnectMs,
      },
      interceptors: [
        makeGrpcRetryInterceptor({
          ...retries,
          delayFunction: (attempt, status) => Math.min(longestRetryWaitMs, retries.delayFunction(attempt, status)),
        }),
      ],
      ...engine.connectionOptions,
    }),
  )
  const options: ClientOptions = {
    connection,
    namespace: engine.namespace,
    dataConverter: createDataConverter(keys),
    // the memory of a workflow that has ended is no answer to what is the case now
    workflow: { queryRejectCondition: 'NOT_OPEN' },
  }
  return { client: new Client(options), close: () => connection.close() }
}

/** @throws ENGINE_UNREACHABLE */
export const connectWorker = (engine: Engine): Promise<NativeConnection> =>
  reach(engine, () => NativeConnection.connect(engine.connectionOptions))

async function reach<T>(engine: Engine, connect: () => Promise<T>): Promise<T> {
  try {
    return await connect()
  } catch {
    const { address } = engine.connectionOptions
    throw failure('ENGINE_UNREACHABLE', `Temporal at ${address} does not answer`, { address })
  }
}
