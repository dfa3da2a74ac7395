import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** An `ipmitool` that says what the real one says (`test/contract/power-contract.ts`), and a BMC that lives in a file. */
export interface FakeIpmitool {
  /** To be put before the PATH. */
  readonly folder: string
  readonly user: string
  readonly passwordFile: string
  readonly wrongPasswordFile: string
  /** Arguments of all calls so far. */
  asked(): Promise<string[]>
  power(): Promise<string>
  setPower(to: 'on' | 'off'): Promise<void>
  /** From now on: shell that runs instead of an answer to a verb; nothing when undefined. */
  instead(verb: 'status' | 'on' | 'off' | 'soft', script: string | undefined): Promise<void>
  close(): Promise<void>
}

const chatter = `Loading IANA PEN Registry...
IANA PEN registry open failed: No such file or directory
Using best available cipher suite 3

Running Get VSO Capabilities my_addr 0x20, transit 0, target 0x20
Invalid completion code received: Invalid command
Discovered IPMB address 0x0`

const script = (dir: string, user: string) => `#!/bin/sh
cd ${dir}
echo "$*" >> asked
[ -z "$IPMITOOL_PASSWORD$IPMI_PASSWORD" ] || echo 'a password came by the environment' >> asked
while [ $# -gt 0 ]; do
  case "$1" in
    -p) port=$2; shift ;;
    -U) user=$2; shift ;;
    -f) password=$2; shift ;;
    -H|-I|-N|-R|-C) shift ;;
    chassis) verb=$3; break ;;
  esac
  shift
done
no_session() { echo 'Error: Unable to establish IPMI v2 / RMCP+ session' >&2; exit 1; }
if [ "$port" = 9 ]; then echo 'Get Auth Capabilities error' >&2; no_session; fi
if [ "$user" != ${user} ]; then echo '> Error: no response from RAKP 1 message' >&2; no_session; fi
if [ "$(cat "$password")" != right ]; then echo '> RAKP 2 HMAC is invalid' >&2; no_session; fi
cat chatter >&2
if [ -e "instead-$verb" ]; then . "./instead-$verb"; exit; fi
case "$verb" in
  status) echo "Chassis Power is $(cat power)" ;;
  on) echo on > power; echo 'Chassis Power Control: Up/On' ;;
  off) echo off > power; echo 'Chassis Power Control: Down/Off' ;;
  soft) echo off > power; echo 'Chassis Power Control: Soft' ;;
  *) echo "Invalid chassis power command: $verb" >&2; exit 1 ;;
esac
`

export async function fakeIpmitool(): Promise<FakeIpmitool> {
  const dir = await mkdtemp(join(tmpdir(), 'steward-ipmitool-'))
  const file = (name: string) => join(dir, name)
  const folder = file('bin')
  const user = 'fencer'
  await mkdir(folder)
  await writeFile(join(folder, 'ipmitool'), script(dir, user))
  await chmod(join(folder, 'ipmitool'), 0o755)
  const files = { asked: '', chatter, power: 'on\n', right: 'right\n', wrong: 'wrong\n' }
  for (const [name, text] of Object.entries(files)) await writeFile(file(name), text)
  return {
    ...{ folder, user, passwordFile: file('right'), wrongPasswordFile: file('wrong') },
    asked: async () => (await readFile(file('asked'), 'utf8')).split('\n').filter(Boolean),
    power: async () => (await readFile(file('power'), 'utf8')).trim(),
    setPower: (to) => writeFile(file('power'), `${to}\n`),
    async instead(verb, text) {
      const name = file(`instead-${verb}`)
      if (text !== undefined) await writeFile(name, `${text}\n`)
      else if (existsSync(name)) await rm(name)
    },
    close: () => rm(dir, { recursive: true, force: true }),
  }
}
