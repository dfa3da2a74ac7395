import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, it, onTestFinished } from 'vitest'
import { historiesIn } from '../../temporal/history-files.ts'

const events = [
  { eventId: '1', eventType: 'EVENT_TYPE_WORKFLOW_EXECUTION_STARTED', workflowExecutionStartedEventAttributes: {} },
]

async function read(files: Readonly<Record<string, string | Buffer>>, paths: readonly string[] = ['']) {
  const folder = await mkdtemp(join(tmpdir(), 'steward-histories-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await mkdir(join(folder, 'old'))
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  const found: [from: string, what: string | number][] = []
  for await (const one of historiesIn(paths.map((path) => join(folder, path))))
    found.push([one.from.replace(`${folder}/`, ''), 'problem' in one ? one.problem : (one.history.events?.length ?? 0)])
  return found
}

it('histories are read as Temporal and its tools write them: whole, events alone, several, packed, in folders', async () => {
  const files = {
    'cli.json': JSON.stringify({ events }),
    'events.json': JSON.stringify(events),
    'old/packed.json.gz': gzipSync(JSON.stringify({ events })),
    'several.json': JSON.stringify([{ events }, { events }]),
    'notes.md': 'nothing of ours',
  }
  expect(await read(files)).toEqual([
    ['cli.json', 1],
    ['events.json', 1],
    ['old/packed.json.gz', 1],
    ['several.json, history 1', 1],
    ['several.json, history 2', 1],
  ])
})

it('what is none is told, and keeps the others from nothing', async () => {
  const files = {
    'a.json': '{',
    'b.json': '{"events": []}',
    'c.json.gz': 'not packed',
    'd.json': JSON.stringify({ events: [{ eventId: '1', eventType: 'EVENT_TYPE_OF_TOMORROW' }] }),
    'e.json': JSON.stringify({ events }),
  }
  const found = await read(files)
  expect(found.map(([from]) => from)).toEqual(['a.json', 'b.json', 'c.json.gz', 'd.json', 'e.json'])
  for (const [from, what] of found.slice(0, 4)) expect(what, from).toMatch(/^no history of Temporal: /)
  expect(found.at(-1)).toEqual(['e.json', 1])
})

it('a path that is not there is a mistake: INPUT_INVALID', async () => {
  await expect(read({}, ['nowhere'])).rejects.toMatchObject({ type: 'INPUT_INVALID' })
})
