import { failure } from '../../core/errors.ts'
import type { IpmiConfig, PowerState } from '../../core/power.ts'
import { clean } from '../../openstack/fault.ts'
import { type Ended, runProgram } from '../program.ts'
import { type Begin, type PowerControl, readingTime } from './control.ts'
import { readPassword } from './password.ts'

/** What it says with -v when all is well. */
const chatter = /^(Loading IANA|IANA PEN|Using best available|Running Get|Invalid completion code|Discovered IPMB).*$/gm

/**
 * By the system's `ipmitool` over RMCP+ (IPMI 2.0). It reads the password from its file by itself; a command line can be
 * read by everybody on the machine.
 *
 * @see https://www.intel.com/content/dam/www/public/us/en/documents/product-briefs/ipmi-second-gen-interface-spec-v2-rev1-1.pdf 28.2, 28.3
 */
export function ipmiControl(host: string, config: IpmiConfig, timeoutMs: number): PowerControl {
  const { address, port, user, passwordFile, cipherSuite } = config

  async function ask(verb: 'status' | 'off' | 'soft' | 'on', begin?: Begin): Promise<Ended> {
    // without it ipmitool would ask on its terminal
    await readPassword(host, passwordFile)
    await begin?.()
    const suite = cipherSuite === undefined ? [] : ['-C', String(cipherSuite)]
    const to = ['-I', 'lanplus', '-H', address, '-p', String(port), '-U', user, '-f', passwordFile, ...suite]
    // each packet is sent three times, two seconds apart: UDP loses some
    // only with -v it tells a wrong password from no answer
    const args = ['-v', ...to, '-N', '2', '-R', '2', 'chassis', 'power', verb]
    try {
      // its variables could bring another password along
      return await runProgram('ipmitool', args, { timeoutMs, env: { PATH: process.env.PATH, LC_ALL: 'C' } })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      throw failure('POWER_NOT_CONFIGURED', 'there is no ipmitool program: install ipmitool', { host })
    }
  }

  /** Of what ipmitool says on failing; it has one exit code for all. */
  function judge({ stderr, timedOut, exitCode }: Ended): { word: string; isRefused: boolean; isUnsent: boolean } {
    const word = timedOut ? 'no answer in time' : clean(stderr.replace(chatter, ''), [], 300) || `exit code ${exitCode}`
    return {
      word,
      isRefused: /unauthorized|HMAC is invalid|insufficient privilege/i.test(stderr),
      isUnsent: /Unable to establish|Address lookup|open socket/i.test(stderr),
    }
  }

  const where = `the BMC of ${host} at ${address}`
  /** A session that is refused and one that nobody answers look alike to ipmitool. */
  const unreachable = (word: string) => {
    const hint = /establish/.test(word) ? `; or the login is wrong: user ${user}, ${passwordFile}` : ''
    return failure('POWER_UNREACHABLE', `${where} gave no session: ${word}${hint}`, { host, address })
  }
  const refused = (word: string) =>
    failure('POWER_REFUSED', `${where} refused: ${word}; check user ${user} and ${passwordFile}`, { host, address })

  async function order(verb: 'off' | 'soft' | 'on', begin: Begin): Promise<void> {
    const ended = await ask(verb, begin)
    if (ended.exitCode === 0) return
    const { word, isRefused, isUnsent } = judge(ended)
    if (isRefused) throw refused(word)
    if (isUnsent) throw unreachable(word)
    const [, why] = /Set Chassis Power Control to \S+ failed: ([^\n]+)/.exec(ended.stderr) ?? []
    if (why) throw failure('POWER_REFUSED', `${where} refused the order: ${clean(why)}`, { host, address })
    throw failure('OUTCOME_UNKNOWN', `the answer of ${where} to the order was lost: ${word}`, { host, address })
  }

  return {
    async look() {
      const at = readingTime()
      const ended = await ask('status')
      if (ended.exitCode !== 0) {
        const { word, isRefused } = judge(ended)
        throw isRefused ? refused(word) : unreachable(word)
      }
      const [said, state] = /^Chassis Power is (on|off)$/m.exec(ended.stdout) ?? []
      if (said === undefined)
        throw failure('POWER_UNKNOWN', `${where} said: ${clean(ended.stdout, [], 200) || 'nothing'}`, { host, address })
      const asked = `ipmitool chassis power status ${address}:${port}`
      return { host, way: 'ipmi', state: state as PowerState, asked, said, at }
    },
    off: (how, begin) => order(how === 'hard' ? 'off' : 'soft', begin),
    on: (begin) => order('on', begin),
  }
}
