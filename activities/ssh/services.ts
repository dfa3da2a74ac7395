import type { ServiceTarget } from '../../core/activities.ts'
import { failure } from '../../core/errors.ts'
import type { SshService } from '../../core/ssh.ts'
import type { Connection } from './connection.ts'
import { type Supervision, superviseService } from './supervision.ts'

/** A service of steward.yaml with the way to it. */
export interface KnownService {
  readonly connection: Connection
  readonly service: SshService
  readonly supervision: Supervision
}

/** Finds services in steward.yaml. @throws SSH_NOT_CONFIGURED also for all of them, without `ssh` in steward.yaml */
export type FindService = (target: ServiceTarget) => KnownService

export const createFindService =
  (connection: Connection | undefined): FindService =>
  ({ host, binary }) => {
    const services = connection?.hostOf(host)?.services
    const service = services && Object.hasOwn(services, binary) ? services[binary] : undefined
    if (!connection || !service)
      throw failure('SSH_NOT_CONFIGURED', `steward.yaml has no SSH command for ${binary} on ${host}`, { host, binary })
    return { connection, service, supervision: superviseService(connection, { host, binary }, service) }
  }
