import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { eventually } from '../../demo/stage/eventually.ts'
import { closedPort } from '../openstack/server.ts'

const program = '/usr/sbin/sshd'
const run = promisify(execFile)

/** A real sshd that lets one key in and runs one script, whatever is asked for. */
export interface Sshd {
  readonly port: number
  readonly user: string
  readonly keyFile: string
  /** A key that is not let in. */
  readonly strangersKeyFile: string
  /** With the right host key, with another one, and with none. */
  readonly knownHosts: { readonly right: string; readonly changed: string; readonly empty: string }
  /** What was asked for so far. */
  asked(): Promise<string[]>
  /** What the script says of the process. */
  setProcess(text: string): Promise<void>
  /** Forgets what was asked. */
  reset(): Promise<void>
  stop(): Promise<void>
}

/** What the script does for each request; a restart makes another process. */
const script = (dir: string) => `#!/bin/sh
echo "$SSH_ORIGINAL_COMMAND" >> ${dir}/asked
case "$SSH_ORIGINAL_COMMAND" in
  'show it') cat ${dir}/process ;;
  'restart it') echo 'pid=4711 started=1700000999' > ${dir}/process; echo 'it: started' ;;
  'fail it') echo 'one'; for line in two three four five; do echo "$line" >&2; done; exit 3 ;;
  'flood it') exec yes 'the log that never ends' ;;
  'hang it') exec sleep 5 ;;
  'say it in binary') head -c 3000 /dev/urandom; exit 4 ;;
  *) echo "refused: $SSH_ORIGINAL_COMMAND" >&2; exit 126 ;;
esac
`

export async function startSshd(): Promise<Sshd> {
  if (!existsSync(program)) throw new Error(`there is no ${program}: install openssh-server`)
  const { username: user, uid } = userInfo()
  // as root it wants this folder, which the system's service would make
  if (uid === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 })
  const dir = await mkdtemp(join(tmpdir(), 'steward-sshd-'))
  const file = (name: string) => join(dir, name)
  for (const key of ['host', 'another_host', 'client', 'stranger'])
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file(key)])
  const publicKey = (name: string) => readFile(file(`${name}.pub`), 'utf8')
  const port = await closedPort()
  await writeFile(file('script'), script(dir))
  await chmod(file('script'), 0o755)
  await writeFile(file('authorized_keys'), `restrict,command="${file('script')}" ${await publicKey('client')}`)
  await writeFile(file('right'), `[127.0.0.1]:${port} ${await publicKey('host')}`)
  await writeFile(file('changed'), `[127.0.0.1]:${port} ${await publicKey('another_host')}`)
  await writeFile(file('empty'), '')
  const settings = {
    ListenAddress: '127.0.0.1',
    Port: port,
    HostKey: file('host'),
    AuthorizedKeysFile: file('authorized_keys'),
    PidFile: 'none',
    StrictModes: 'no',
    UsePAM: 'no',
    UseDNS: 'no',
    // as quick as it gets: logins are most of the time these tests take
    KexAlgorithms: 'curve25519-sha256',
    PermitRootLogin: 'prohibit-password',
    PasswordAuthentication: 'no',
    KbdInteractiveAuthentication: 'no',
  }
  await writeFile(
    file('config'),
    Object.entries(settings)
      .map(([name, value]) => `${name} ${value}\n`)
      .join(''),
  )

  let said = ''
  const child = spawn(program, ['-D', '-e', '-f', file('config')], { stdio: ['ignore', 'ignore', 'pipe'] })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const ended = new Promise((resolve) => child.once('close', resolve))
  await eventually('sshd to listen', () => accepts(port), { withinMs: 10_000, everyMs: 20 }).catch((error: Error) => {
    throw new Error(`${error.message}: ${said}`)
  })
  const reset = async () => {
    await writeFile(file('asked'), '')
    await writeFile(file('process'), 'pid=100 started=1700000000\n')
  }
  await reset()
  return {
    port,
    user,
    keyFile: file('client'),
    strangersKeyFile: file('stranger'),
    knownHosts: { right: file('right'), changed: file('changed'), empty: file('empty') },
    asked: async () => (await readFile(file('asked'), 'utf8')).split('\n').slice(0, -1),
    setProcess: (text) => writeFile(file('process'), text),
    reset,
    async stop() {
      child.kill()
      await ended
      await rm(dir, { recursive: true, force: true })
    },
  }
}

const accepts = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
