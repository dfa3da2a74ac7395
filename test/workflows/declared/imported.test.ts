import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { compileDeclared } from '../../../policies/declared/compile.ts'
import { importMistral } from '../../../policies/mistral/import.ts'
import { useWorker } from '../engine.ts'
import { accepted, beginWith, servers } from './declared-bench.ts'

const begin = beginWith(useWorker())

/** A workflow of the fixtures of the import, as a run carries it. */
function importedDocument(name: string) {
  const file = new URL(`../../policies/mistral/fixtures/${name}.yaml`, import.meta.url)
  const [workflow] = importMistral(readFileSync(file, 'utf8'), name)
  const compiled = compileDeclared(workflow?.runbook ?? '', name)
  if ('problems' in compiled) throw new Error(compiled.problems.map(({ text }) => text).join('\n'))
  return compiled.runbook
}

it('a workflow of Mistral runs as the runbook it was made into', async () => {
  const { handle, cloud } = await begin(
    {
      readCloud: { status: 200, body: { servers: [] } },
      performCall: { ...accepted, body: { image_id: 'an-image' } },
    },
    '  - note: hi\n',
    {
      document: importedDocument('nightly-snapshots'),
      input: { serverIds: [servers[0], servers[1]], restart: true, projectId: 'p1' },
    },
  )
  expect(await handle.result()).toEqual({ summary: 'Nightly snapshots: done', images: ['an-image', 'an-image'] })
  const deeds = cloud.inputs('performCall').map((deed) => ('action' in deed ? [deed.action, deed.input] : []))
  // two at a time, in whatever order
  expect(new Set(deeds.slice(0, 2))).toEqual(
    new Set(servers.slice(0, 2).map((serverId) => ['server.snapshot', { serverId, name: `nightly-${serverId}` }])),
  )
  expect(deeds.slice(2)).toEqual([['server.reset', { serverId: servers[0] }]])
  expect(cloud.inputs('requestLease')[0]?.request.targets).toEqual(['project/p1'])
})
