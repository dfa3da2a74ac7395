import { failure } from '../../core/errors.ts'
import type { Hop, SshConfig } from '../../core/ssh.ts'

/** What the target is called in the file; the machines before it are `hop-0`, `hop-1` … */
export const targetAlias = 'target'

/** Keys only, known hosts only, nothing forwarded, nothing asked, nothing learned. */
const strict = {
  BatchMode: 'yes',
  StrictHostKeyChecking: 'yes',
  GlobalKnownHostsFile: '/dev/null',
  UpdateHostKeys: 'no',
  VerifyHostKeyDNS: 'no',
  ForwardAgent: 'no',
  ForwardX11: 'no',
  ClearAllForwardings: 'yes',
  PermitLocalCommand: 'no',
  ControlPath: 'none',
  RequestTTY: 'no',
  PreferredAuthentications: 'publickey',
  ServerAliveInterval: '5',
  ServerAliveCountMax: '3',
}

/**
 * The whole configuration of one connection. It is a file and not a row of options because `-J` passes no option on:
 * only what a file says holds for the machines on the way as well.
 */
export function clientConfig(ssh: SshConfig, hops: readonly Hop[], connectTimeoutSeconds: number): string {
  const names = hops.map((_hop, at) => (at === hops.length - 1 ? targetAlias : `hop-${at}`))
  const blocks = hops.map(({ address, port, user }, at) => {
    const before = names[at - 1]
    return blockOf(names[at] ?? targetAlias, {
      HostName: address,
      Port: String(port),
      User: user,
      ProxyJump: before ?? 'none',
      // what the program says of its own is read by us, at the target alone
      LogLevel: at === hops.length - 1 ? 'DEBUG1' : 'ERROR',
    })
  })
  const forAll = {
    ...strict,
    ConnectTimeout: String(connectTimeoutSeconds),
    UserKnownHostsFile: quoted(ssh.knownHostsFile),
    ...(ssh.keyFile === undefined
      ? { IdentityAgent: 'SSH_AUTH_SOCK', IdentityFile: 'none' }
      : { IdentityAgent: 'none', IdentityFile: quoted(ssh.keyFile), IdentitiesOnly: 'yes' }),
  }
  return [...blocks, blockOf('*', forAll)].join('\n')
}

const blockOf = (name: string, options: Readonly<Record<string, string>>) =>
  [`Host ${name}`, ...Object.entries(options).map(([option, value]) => `  ${option} ${value}`), ''].join('\n')

/** ssh replaces `%` and `${…}` in paths, and there is no way to write a quote. */
function quoted(path: string): string {
  if (/["\\\r\n]|\$\{/.test(path))
    throw failure('SSH_NOT_CONFIGURED', 'a path under `ssh` has a quote, a backslash, a line break or ${ in it')
  return `"${path.replaceAll('%', '%%')}"`
}
