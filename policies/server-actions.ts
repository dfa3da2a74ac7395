import type { Call } from '../core/call.ts'

/** What is known of an action on a server: how Nova records it, and the status of a server that needs it no more. */
export interface ServerAction {
  readonly serverId: string
  /** Its name among the instance actions of the server. */
  readonly recordedAs?: string
  /** Statuses in which it has nothing left to do. */
  readonly settled: readonly string[]
}

/** @see https://docs.openstack.org/api-ref/compute/#servers-run-an-action-servers-action */
const known: Readonly<Record<string, Omit<ServerAction, 'serverId'>>> = {
  'os-stop': { recordedAs: 'stop', settled: ['SHUTOFF'] },
  'os-start': { recordedAs: 'start', settled: ['ACTIVE'] },
  pause: { recordedAs: 'pause', settled: ['PAUSED'] },
  unpause: { recordedAs: 'unpause', settled: ['ACTIVE'] },
  suspend: { recordedAs: 'suspend', settled: ['SUSPENDED'] },
  resume: { recordedAs: 'resume', settled: ['ACTIVE'] },
  shelve: { recordedAs: 'shelve', settled: ['SHELVED', 'SHELVED_OFFLOADED'] },
  shelveOffload: { recordedAs: 'shelveOffload', settled: ['SHELVED_OFFLOADED'] },
  unshelve: { recordedAs: 'unshelve', settled: ['ACTIVE'] },
  rescue: { recordedAs: 'rescue', settled: ['RESCUE'] },
  unrescue: { recordedAs: 'unrescue', settled: ['ACTIVE'] },
  resize: { recordedAs: 'resize', settled: [] },
  confirmResize: { recordedAs: 'confirmResize', settled: [] },
  revertResize: { recordedAs: 'revertResize', settled: [] },
  reboot: { recordedAs: 'reboot', settled: [] },
  rebuild: { recordedAs: 'rebuild', settled: [] },
  evacuate: { recordedAs: 'evacuate', settled: [] },
  createImage: { recordedAs: 'createImage', settled: [] },
  createBackup: { recordedAs: 'createBackup', settled: [] },
  migrate: { recordedAs: 'migrate', settled: [] },
  'os-migrateLive': { recordedAs: 'live-migration', settled: [] },
}

/** The server that a call changes; undefined when it changes none, or only reads it. */
export function changedServer({ service, method, path }: Call): string | undefined {
  if (service !== 'compute' || method === 'GET') return undefined
  return /^\/servers\/([A-Za-z0-9][A-Za-z0-9-]{0,63})(?:[/?]|$)/.exec(path)?.[1]
}

/** Reads a call as an action on a server; undefined when it is something else. */
export function serverActionOf({ service, method, path, body }: Call): ServerAction | undefined {
  const [, serverId] = /^\/servers\/([^/?]+)\/action$/.exec(path) ?? []
  if (service !== 'compute' || method !== 'POST' || !serverId) return undefined
  const [name = ''] = Object.keys(body ?? {})
  return { serverId, ...((Object.hasOwn(known, name) ? known[name] : undefined) ?? { settled: [] }) }
}
