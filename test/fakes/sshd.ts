import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { appendFile, chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
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
  /** With the right host key, with another one, with none; with the authority that signed the host key, and another. */
  readonly knownHosts: Readonly<Record<'right' | 'changed' | 'empty' | 'authority' | 'strangeAuthority', string>>
  /** What was asked for so far. */
  asked(): Promise<string[]>
  /** What the script says of the process. */
  setProcess(text: string): Promise<void>
  /** A program of the host. Without any the host runs nothing but what the script knows. */
  program(name: string, shell: string): Promise<void>
  /** A file of the host. */
  write(name: string, text: string): Promise<void>
  read(name: string): Promise<string>
  remove(name: string): Promise<void>
  /** Forgets what was asked. */
  reset(): Promise<void>
  stop(): Promise<void>
}

const common = {
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

/** What the script does for each request; a restart makes another process. */
const script = (dir: string) => `#!/bin/sh
echo "$SSH_ORIGINAL_COMMAND" >> ${dir}/asked
case "$SSH_ORIGINAL_COMMAND" in
  'show it') cat ${dir}/process ;;
  'restart it') echo 'pid=4711 started=1700000999' > ${dir}/process; echo 'it: started' ;;
  'fail it') echo 'one'; for line in two three four five; do echo "$line" >&2; done; exit 3 ;;
  'flood it') exec yes 'the log that never ends' ;;
  'hang it') exec sleep 5 ;;
  'print it') head -c 10000000 /dev/zero | tr '\\0' x; echo; echo 'the end' ;;
  'drop it') kill -9 $PPID; sleep 1 ;;
  'restart it and drop it') echo 'pid=4711 started=1700000999' > ${dir}/process; kill -9 $PPID; sleep 1 ;;
  'say it in binary') head -c 3000 /dev/urandom; exit 4 ;;
  *)
    set -f
    set -- $SSH_ORIGINAL_COMMAND
    cd ${dir}
    PATH="${dir}/bin:$PATH"
    [ -x "${dir}/bin/$1" ] && exec "$@"
    echo "refused: $SSH_ORIGINAL_COMMAND" >&2
    exit 126 ;;
esac
`

export async function startSshd(): Promise<Sshd> {
  if (!existsSync(program)) throw new Error(`there is no ${program}: install openssh-server`)
  const { username: user, uid } = userInfo()
  // as root it wants this folder, which the system's service would make
  if (uid === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 })
  const dir = await mkdtemp(join(tmpdir(), 'steward-sshd-'))
  const file = (name: string) => join(dir, name)
  for (const key of ['host', 'another_host', 'client', 'stranger', 'authority', 'strange_authority'])
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file(key)])
  await run('ssh-keygen', ['-q', '-s', file('authority'), '-I', 'host', '-h', '-n', '127.0.0.1', file('host.pub')])
  const publicKey = (name: string) => readFile(file(`${name}.pub`), 'utf8')
  const port = await closedPort()
  await writeFile(file('script'), script(dir))
  await chmod(file('script'), 0o755)
  await writeFile(file('authorized_keys'), `restrict,command="${file('script')}" ${await publicKey('client')}`)
  await writeFile(file('right'), `[127.0.0.1]:${port} ${await publicKey('host')}`)
  await writeFile(file('changed'), `[127.0.0.1]:${port} ${await publicKey('another_host')}`)
  await writeFile(file('empty'), '')
  for (const name of ['authority', 'strange_authority'])
    await writeFile(file(`by_${name}`), `@cert-authority [127.0.0.1]:${port} ${await publicKey(name)}`)
  const settings = {
    ListenAddress: '127.0.0.1',
    Port: port,
    HostKey: file('host'),
    HostCertificate: file('host-cert.pub'),
    AuthorizedKeysFile: file('authorized_keys'),
    ...common,
  }
  const stop = await startDaemon(file('config'), settings)
  const reset = async () => {
    await writeFile(file('asked'), '')
    await writeFile(file('process'), 'pid=100 started=1700000000\n')
    await rm(file('bin'), { recursive: true, force: true })
    await mkdir(file('bin'))
  }
  await reset()
  return {
    port,
    user,
    keyFile: file('client'),
    strangersKeyFile: file('stranger'),
    knownHosts: {
      ...{ right: file('right'), changed: file('changed'), empty: file('empty') },
      ...{ authority: file('by_authority'), strangeAuthority: file('by_strange_authority') },
    },
    asked: async () => (await readFile(file('asked'), 'utf8')).split('\n').slice(0, -1),
    setProcess: (text) => writeFile(file('process'), text),
    async program(name, shell) {
      await writeFile(file(join('bin', name)), `#!/bin/sh\n${shell}\n`)
      await chmod(file(join('bin', name)), 0o755)
    },
    write: (name, text) => writeFile(file(name), text),
    read: (name) => readFile(file(name), 'utf8'),
    remove: (name) => rm(file(name), { force: true }),
    reset,
    async stop() {
      await stop()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/** An sshd that lets the same key in, to nothing but the port of the other one; its host key is added to `right`. */
export async function startJumpHost(
  target: Sshd,
): Promise<{ port: number; unknown(): Promise<void>; stop(): Promise<void> }> {
  const dir = await mkdtemp(join(tmpdir(), 'steward-sshd-'))
  const file = (name: string) => join(dir, name)
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file('host')])
  const port = await closedPort()
  const key = await readFile(`${target.keyFile}.pub`, 'utf8')
  const allowed = `restrict,port-forwarding,permitopen="127.0.0.1:${target.port}",command="/bin/false"`
  await writeFile(file('authorized_keys'), `${allowed} ${key}`)
  const before = await readFile(target.knownHosts.right, 'utf8')
  await appendFile(target.knownHosts.right, `[127.0.0.1]:${port} ${await readFile(file('host.pub'), 'utf8')}`)
  const stop = await startDaemon(file('config'), {
    ...{ ListenAddress: '127.0.0.1', Port: port, HostKey: file('host'), AuthorizedKeysFile: file('authorized_keys') },
    ...common,
  })
  const unknown = () => writeFile(target.knownHosts.right, before)
  return {
    port,
    unknown,
    async stop() {
      await stop()
      await unknown()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/** Starts an sshd and waits until it listens. */
async function startDaemon(config: string, settings: Readonly<Record<string, string | number>>) {
  const lines = Object.entries(settings).map(([name, value]) => `${name} ${value}\n`)
  await writeFile(config, lines.join(''))
  let said = ''
  const child = spawn(program, ['-D', '-e', '-f', config], { stdio: ['ignore', 'ignore', 'pipe'] })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const ended = new Promise((resolve) => child.once('close', resolve))
  const listens = () => accepts(Number(settings.Port))
  await eventually('sshd to listen', listens, { withinMs: 10_000, everyMs: 20 }).catch((error: Error) => {
    throw new Error(`${error.message}: ${said}`)
  })
  return async () => {
    child.kill()
    await ended
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
