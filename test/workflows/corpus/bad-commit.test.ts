import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { bundleWorkflows } from '../../../temporal/bundle.ts'
import { historiesIn } from '../../../temporal/history-files.ts'
import { type Replayed, replayHistories } from '../../../temporal/replay.ts'
import { quietRuntime } from '../quiet-runtime.ts'
import { histories } from './kept.ts'

const program = fileURLToPath(new URL('../../..', import.meta.url))

/** A commit that would leave runs hanging which have begun: each of its changes in another runbook. */
const badCommit: Readonly<Record<string, (text: string) => string>> = {
  // two steps have changed places: servers leave before the host is closed
  'drain-host': (text) => {
    const [close = ''] = /^ *const isOurs = await closeHost.*\n/m.exec(text) ?? []
    return text.replace(close, '').replace(/^ *const closed = isOurs/m, `${close}$&`)
  },
  // an action before the first one
  'return-host': (text) =>
    text.replace(
      /^ *const { host, withinSeconds } = input\n/m,
      `$&await run.action('compute-service.enable', { serviceId: '${'0'.repeat(8)}-0000-4000-8000-${'0'.repeat(12)}' })\n`,
    ),
  // a pause
  'sleep-host': (text) => text.replace(/^ *run\.safePoint\(\)\n/m, "$&await run.sleep(30, 'the fans')\n"),
  // another call in the place of one, which is a call all the same to the engine
  'night-off': (text) => text.replaceAll("action: 'server.start'", "action: 'server.reboot'"),
}
/** `night-off.ts` has both halves; only the second one was changed. */
const changed = ['drain-host', 'return-host', 'sleep-host', 'morning-on']

let folder: string
let replayed: Replayed[]
beforeAll(async () => {
  quietRuntime()
  folder = await mkdtemp(join(tmpdir(), 'steward-bad-commit-'))
  for (const name of ['workflows', 'policies', 'core'])
    await cp(join(program, name), join(folder, name), { recursive: true })
  for (const [name, change] of Object.entries(badCommit)) {
    const file = join(folder, 'workflows', 'runbooks', 'library', `${name}.ts`)
    const text = await readFile(file, 'utf8')
    const bad = change(text)
    expect(bad, name).not.toBe(text)
    await writeFile(file, bad)
  }
  const bundle = join(folder, 'bundle.js')
  await writeFile(bundle, await bundleWorkflows([], { isWitnessed: true, sources: folder }))
  replayed = []
  for await (const one of replayHistories(bundle, historiesIn([histories]))) replayed.push(one)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const differencesOf = (name: string) =>
  replayed.flatMap((one) => (one.runbook === name && one.how === 'different' ? [`${one.was} → ${one.is}`] : []))

it('is found in each runbook that it changes, and in no other', () => {
  const found = new Set(replayed.filter(({ how }) => how !== 'same').map(({ runbook }) => runbook))
  expect(found).toEqual(new Set(changed))
  expect(replayed.filter(({ how }) => how === 'unreadable')).toEqual([])
})

it.each([
  ['drain-host', /^step readCloud .*os-services.* → an entry in its record, then step liveMigrate/],
  ['return-host', /^step readCloud .*os-services.* → .*step performCall \(compute-service\.enable\)/],
  ['sleep-host', /^step powerOff \(Turn compute1 off\) → a wait$/],
  ['morning-on', /^step performCall \(server\.start\) → step performCall \(server\.reboot\)$/],
])('says where %s has changed, in words', (name, words) => {
  expect(differencesOf(name)).toContainEqual(expect.stringMatching(words))
})
