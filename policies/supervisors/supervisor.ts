import type { ProcessStatus } from '../../core/activities.ts'
import type { Supervised } from '../../core/ssh.ts'
import { container } from './container.ts'
import { kubernetes } from './kubernetes.ts'
import { pacemaker } from './pacemaker.ts'
import { supervisord } from './supervisord.ts'
import { systemd } from './systemd.ts'

/** How a command on the host has ended. */
export interface Said {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

/** What a supervisor's word means: the state, that it has no such service, or nothing anybody can read. */
export type Reading = ProcessStatus | 'no such service' | undefined

/** How one kind of supervisor is asked about a service, and told to restart it. Words only, of safe letters. */
export interface Supervisor {
  readonly look: readonly string[]
  /** Whether everybody may look; then it is done without sudo. */
  readonly isOpen?: true
  readonly restart: readonly string[]
  /** Makes it start again what it has given up. */
  readonly reset?: readonly string[]
  read(said: Said, nowMs: number): Reading
  /** Whether a restart was refused only because there were too many: after a reset it may be asked again. */
  isGivenUp?(said: Said): boolean
}

/** `host` is what the service runs on. */
export function supervisorOf(service: Supervised, host: string): Supervisor {
  const { look, restart, reset, ...rest } = kindOf(service, host)
  const of = ([program = '', ...words]: readonly string[]) => [service.program ?? program, ...words]
  const asRoot = (words: readonly string[]) => (service.sudo ? ['sudo', '-n', ...of(words)] : of(words))
  return {
    ...rest,
    look: rest.isOpen ? of(look) : asRoot(look),
    restart: asRoot(restart),
    ...(reset && { reset: asRoot(reset) }),
  }
}

function kindOf(service: Supervised, host: string): Supervisor {
  switch (service.supervisor) {
    case 'systemd':
      return systemd(service.name)
    case 'supervisor':
      return supervisord(service.name)
    case 'docker':
    case 'podman':
      return container(service.supervisor, service.name)
    case 'kubernetes':
      return kubernetes(service, host)
    case 'pacemaker':
      return pacemaker(service)
  }
}
