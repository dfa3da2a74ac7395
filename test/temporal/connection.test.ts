import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { codeOf, messageOf } from '../../core/errors.ts'
import { configuredEngine, connectClient, connectWorker } from '../../temporal/connection.ts'

const engineAt = (address: string) => ({ connectionOptions: { address, connectTimeout: 500 }, namespace: 'default' })
const keys = { active: 'k', byId: new Map([['k', randomBytes(32)]]) }

async function unusedAddress(): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return `127.0.0.1:${port}`
}

describe('a Temporal that does not answer', () => {
  it.each([
    ['client', (address: string) => connectClient(engineAt(address), keys)],
    ['worker', (address: string) => connectWorker(engineAt(address))],
  ])('is named, and is ENGINE_UNREACHABLE, for a %s', async (_who, connect) => {
    const address = await unusedAddress()
    const error = await connect(address).then(
      () => undefined,
      (reason: unknown) => reason,
    )
    expect(codeOf(error)).toBe('ENGINE_UNREACHABLE')
    expect(messageOf(error)).toBe(`Temporal at ${address} does not answer`)
  })
})

describe('the configured Temporal', () => {
  afterEach(() => vi.unstubAllEnvs())

  async function profile(content: string): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), 'steward-profile-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    await writeFile(join(folder, 'temporal.toml'), content)
    vi.stubEnv('TEMPORAL_CONFIG_FILE', join(folder, 'temporal.toml'))
  }

  it('is none when nothing names an address, so that Steward brings its own', async () => {
    await profile('[profile.default]\n')
    vi.stubEnv('TEMPORAL_ADDRESS', undefined)
    expect(configuredEngine()).toBeUndefined()
  })

  it('is the one of TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE', async () => {
    await profile('[profile.default]\n')
    vi.stubEnv('TEMPORAL_ADDRESS', 'temporal.example:7233')
    vi.stubEnv('TEMPORAL_NAMESPACE', 'cloud-1')
    expect(configuredEngine()).toMatchObject({
      connectionOptions: { address: 'temporal.example:7233' },
      namespace: 'cloud-1',
    })
  })

  it('is the one of the profile, in the namespace `default` when it names none', async () => {
    await profile('[profile.default]\naddress = "profile.example:7233"\n')
    vi.stubEnv('TEMPORAL_ADDRESS', undefined)
    expect(configuredEngine()).toMatchObject({
      connectionOptions: { address: 'profile.example:7233' },
      namespace: 'default',
    })
  })

  it.each(['', 'this is no TOML'])('is CONFIG_INVALID when its profile file cannot be used: %o', async (content) => {
    await profile(content)
    expect(codeOf(thrownBy(configuredEngine))).toBe('CONFIG_INVALID')
  })
})

function thrownBy(act: () => unknown): unknown {
  try {
    act()
  } catch (error) {
    return error
  }
  return undefined
}
