import { failure } from '../../core/errors.ts'
import type { PowerCommandConfig } from '../../core/power.ts'
import { clean } from '../../openstack/fault.ts'
import { type Ended, runProgram } from '../program.ts'
import { type Begin, type PowerControl, readingTime } from './control.ts'

/** By programs of the operator's on this machine. What they say of the power is as good as they are. */
export function commandControl(host: string, config: PowerCommandConfig, timeoutMs: number): PowerControl {
  async function run([program = '', ...args]: readonly string[]): Promise<Ended> {
    try {
      return await runProgram(program, args, { timeoutMs })
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code !== 'ENOENT' && code !== 'EACCES') throw error
      throw failure('POWER_NOT_CONFIGURED', `the power command of ${host} cannot be run: ${program}: ${code}`, { host })
    }
  }
  const howItEnded = ({ exitCode, timedOut, stderr, stdout }: Ended) => {
    const lines = clean((stderr || stdout).trim().split('\n').slice(-3).join(' '), [], 300)
    return `${timedOut ? 'did not end in time' : `ended with exit code ${exitCode}`}${lines === '' ? '' : `: ${lines}`}`
  }

  async function order(words: readonly string[], begin: Begin): Promise<void> {
    await begin()
    const ended = await run(words)
    if (ended.exitCode === 0) return
    const said = `${words[0]} for ${host} ${howItEnded(ended)}`
    // whatever it says of itself, it may have done it
    throw failure('OUTCOME_UNKNOWN', said, { host, exitCode: ended.exitCode })
  }

  return {
    async look() {
      const at = readingTime()
      const { status } = config
      const ended = await run(status)
      if (ended.exitCode !== 0)
        throw failure('POWER_UNREACHABLE', `${status[0]} for ${host} ${howItEnded(ended)}`, { host })
      const said = ended.stdout.trim()
      if (said !== 'on' && said !== 'off') {
        const printed = clean(said, [], 200) || 'nothing'
        throw failure('POWER_UNKNOWN', `${status[0]} for ${host} printed neither on nor off: ${printed}`, { host })
      }
      return { host, way: 'command', state: said, asked: status.join(' '), said, at }
    },
    async off(how, begin) {
      if (how === 'graceful')
        throw failure('POWER_UNSUPPORTED', `the power of ${host} is a command, which can turn it off hard only`, {
          host,
        })
      await order(config.off, begin)
    },
    on: (begin) => order(config.on, begin),
  }
}
