import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { compileDeclared } from '../../policies/declared/compile.ts'
import { steward } from './steward.ts'

const fixture = (name: string) => fileURLToPath(new URL(`../policies/mistral/fixtures/${name}.yaml`, import.meta.url))

describe('steward import mistral', () => {
  it('writes a runbook and says task by task what is not the same, without an installation', async () => {
    const out = join(await mkdtemp(join(tmpdir(), 'import-')), 'create-server.yaml')
    const said = await steward({}, 'import', 'mistral', fixture('create-server'), '--out', out)
    expect(said.err).toBe('')
    expect(said.out).toMatch(/^WORKFLOW +TASK +LINE +VERDICT +WHAT IS NOT THE SAME$/m)
    expect(said.out).toMatch(/^create_server +find_flavor +22 +changed +finds it by its name in the whole list$/m)
    expect(said.out).toMatch(/^note: 4 of 4 tasks are taken over; /m)
    expect(said.out).toContain(`note: the runbook is in ${out}`)
    expect('runbook' in compileDeclared(await readFile(out, 'utf8'), out)).toBe(true)
  })

  it('gives the same as JSON', async () => {
    const { out } = await steward({}, '--json', 'import', 'mistral', fixture('rotate-reverse'))
    const { workflows } = JSON.parse(out)
    expect(workflows).toMatchObject([{ name: 'rotate', problems: [], tasks: [{}, {}, {}, {}] }])
  })

  it('asks which workflow is meant when there are several', async () => {
    const file = fixture('deploy-workbook')
    const both = await steward({}, 'import', 'mistral', file, '--out', '/nowhere/at/all.yaml')
    expect(both.err).toContain('has the workflows deploy, poll: name one of them with --workflow')
    const poll = await steward({}, 'import', 'mistral', file, '--workflow', 'poll')
    expect(poll.out).toContain('note: 0 of 2 tasks are taken over')
  })

  it('says what is wrong with the file', async () => {
    const missing = await steward({}, 'import', 'mistral', '/nowhere/at/all.yaml')
    expect(missing.err).toContain('/nowhere/at/all.yaml cannot be read')
    const file = join(await mkdtemp(join(tmpdir(), 'import-')), 'wf.yaml')
    await writeFile(file, 'version: 1')
    expect((await steward({}, 'import', 'mistral', file)).err).toContain('wf.yaml:1: this is no version 2.0 of Mistral')
  })
})
