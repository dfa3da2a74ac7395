import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { someone } from '../api/app.ts'
import { project, trustee } from '../openstack/fake-keystone.ts'
import { installation, steward } from './steward.ts'

const id = 'f1c9a4'
const secret = 'CANARY-secret-77ab'
const stop = ['compute', 'post', '/servers/6f1c/action', '--body', '{"os-stop": null}']

async function withFile(content: string) {
  const dir = await mkdtemp(join(tmpdir(), 'steward-credential-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  const file = join(dir, 'credential')
  await writeFile(file, content)
  const token = someone({
    ...{ userId: trustee.id, projectId: project.id, isApplicationCredential: true },
    applicationCredential: { id, restricted: false },
  })
  const there = await installation({ credentials: { [id]: { secret, token, end: 'never' } } })
  const run = (...args: string[]) =>
    steward(there.env, '--api', there.url, ...args, '--application-credential-file', file)
  return { ...there, run, file }
}

const json = JSON.stringify({ id, secret, name: 'nightly', unrestricted: false, roles: 'member reader' })
const auth = `{ application_credential_id: ${id}, application_credential_secret: ${secret} }`

describe('a file with an application credential', () => {
  it.each([
    ['what openstack application credential create -f json says', json],
    ['a clouds.yaml', `clouds: { nightly: { auth_type: v3applicationcredential, auth: ${auth} } }`],
    ['a part of one', `auth: ${auth}`],
    ['two lines', `id: ${id}\nsecret: ${secret}\n`],
  ])('may be %s', async (_what, content) => {
    const { run, started } = await withFile(content)
    const said = await run('action', 'create', ...stop, '--in', 'PT1H')
    expect(said).toMatchObject({ err: '', code: 0 })
    expect(started).toMatchObject([{ applicationCredential: { id, secret } }])
    expect(said.out).toMatch(/by +application credential f1c9a4: keep it until this has ended/)
    expect(said.out).toMatch(/warning +it is unrestricted/)
    expect(said.out).not.toContain(secret)
  })

  it('serves changes, clones and replays of actions as well', async () => {
    const { run, started, ordered } = await withFile(json)
    await run('action', 'create', ...stop, '--in', 'PT1H')
    const actionId = started[0]?.view.id ?? ''
    expect((await run('action', 'change', actionId, '--in', 'PT2H')).code).toBe(0)
    expect(ordered.at(-1)?.[1]).toMatchObject({ delegated: { applicationCredential: { id, secret } } })
    expect((await run('action', 'clone', actionId, '--in', 'PT3H')).code).toBe(0)
    expect((await run('action', 'replay', actionId)).code).toBe(0)
    expect(started.slice(1)).toMatchObject(Array(2).fill({ applicationCredential: { id, secret } }))
  })

  it('serves recurring actions', async () => {
    const { run, repeated, told } = await withFile(json)
    expect((await run('recurring', 'create', ...stop, '--cron', '0 22 * * *')).code).toBe(0)
    expect(repeated).toMatchObject([{ applicationCredential: { id, secret } }])
    const said = await run('recurring', 'change', repeated[0]?.view.id ?? '', '--json')
    expect(told.at(-1)).toMatchObject({ delegated: { applicationCredential: { id, secret } } })
    expect(JSON.parse(said.out).delegatedBy).toMatchObject({ kind: 'application-credential' })
  })

  it.each([
    ['is no YAML', `id: ${id}\n secret: ${secret}: x\n- y`, /is neither JSON nor YAML/],
    ['has no secret', `id: ${id}`, /holds 0 application credentials/],
    ['has two', `clouds: { a: { auth: ${auth} }, b: { auth: ${auth} } }`, /holds 2 application credentials/],
  ])('that %s is refused, and its content is not repeated', async (_what, content, says) => {
    const { run, started } = await withFile(content)
    const said = await run('action', 'create', ...stop, '--in', 'PT1H')
    expect(said).toMatchObject({ code: 1, err: expect.stringMatching(says) })
    expect(said.err).not.toContain(secret)
    expect(started).toEqual([])
  })

  it('that is not there is said to be missing', async () => {
    const { env, url } = await installation()
    const args = ['action', 'create', ...stop, '--in', 'PT1H', '--application-credential-file', '/no/such/file']
    expect((await steward(env, '--api', url, ...args)).err).toMatch(/\/no\/such\/file cannot be read: ENOENT/)
  })
})
