import { describe, expect, it, vi } from 'vitest'
import type { CommandOutcome } from '../../core/activities.ts'
import { failure } from '../../core/errors.ts'
import { useRunbooks } from './run-bench.ts'
import { gate, type Script, unlessCancelled } from './scripted.ts'

const { begin } = useRunbooks('ssh-command')
const said = (stdout: string, more: Partial<CommandOutcome> = {}): CommandOutcome => ({
  ...{ outcome: 'ran', exitCode: 0, stdout, stderr: '', cutBytes: 0 },
  ...more,
})
const call = { host: 'compute1', command: 'mark', args: { name: 'it' } }
const undo = { command: 'unmark', args: { name: 'it' } }

describe.concurrent('ssh-command', () => {
  it('runs one command under a lease on its host, and keeps what it said', async () => {
    const { cloud, handle, evidence } = await begin(call, { runCommand: said('done\n') })
    expect(await handle.result()).toEqual({ summary: 'mark it on compute1 ended well' })
    expect(cloud.inputs('runCommand')).toEqual([call])
    expect(cloud.inputs('requestLease')[0]?.request).toMatchObject({ targets: ['host/compute1'], risk: 'service' })
    expect(await evidence()).toEqual({ output: { stdout: 'done\n', stderr: '' } })
  })

  it.each(['SSH_NOT_CONFIGURED', 'SSH_ARGUMENT_REFUSED', 'SSH_OUTCOME_UNKNOWN'] as const)(
    'ends with %s',
    async (code) => {
      const { cloud, failed } = await begin(call, { runCommand: failure(code, 'no') })
      expect(await failed()).toBe(code)
      expect(cloud.inputs('runCommand')).toHaveLength(1)
    },
  )

  it('takes back what failed, where steward.yaml says how', async () => {
    const fails = said('', { exitCode: 3, stderr: 'no space', undo })
    // it says itself what would take it back: that is not done
    const back = said('', { undo: { command: 'mark', args: call.args } })
    const { cloud, handle } = await begin(call, { runCommand: [fails, back] })
    await expect(handle.result()).rejects.toMatchObject({
      cause: { type: 'SSH_COMMAND_FAILED', message: 'mark it on compute1 ended with exit code 3: no space' },
    })
    expect(cloud.inputs('runCommand')).toEqual([call, { host: 'compute1', ...undo }])
  })

  it('that is cancelled lets the command end first, and then takes it back', async () => {
    const end = gate()
    let first = true
    const { cloud, handle, view } = await begin(call, {
      runCommand: async () => {
        if (!first) return said('')
        first = false
        await unlessCancelled(end.opened)
        return said('', { undo })
      },
    })
    await vi.waitFor(() => expect(cloud.inputs('runCommand')).toHaveLength(1), 30_000)
    await handle.cancel()
    end.open()
    await expect(handle.result()).rejects.toThrow(/cancelled/i)
    expect(cloud.inputs('runCommand')[1]).toEqual({ host: 'compute1', ...undo })
    expect(await view()).toMatchObject({ state: 'cancelled' })
  })

  it('that is dry runs nothing', async () => {
    const { cloud, handle } = await begin(call, {}, { dryRun: true })
    expect(await handle.result()).toEqual({ summary: 'would be run: mark it on compute1' })
    expect(cloud.names()).toEqual([])
  })

  it('keeps little of what says much', async () => {
    const { handle, evidence } = await begin(call, { runCommand: said('"'.repeat(60_000), { cutBytes: 9 }) })
    await handle.result()
    expect(await evidence()).toMatchObject({ output: { stdout: `${'"'.repeat(12 << 10)}…`, cutBytes: 9 } })
  })
})

describe.concurrent('ssh-look', () => {
  const more = { runbook: 'ssh-look' }

  it('looks without a lease, in a dry run as well', async () => {
    for (const dryRun of [false, true]) {
      const { cloud, handle, evidence } = await begin(call, { lookOnHost: said('97%') }, { ...more, dryRun })
      await handle.result()
      expect(cloud.calls.map(({ name }) => name)).toEqual(['lookOnHost'])
      expect(await evidence()).toMatchObject({ output: { stdout: '97%' } })
    }
  })

  it('fails with the exit code of the command', async () => {
    const { failed } = await begin(call, { lookOnHost: said('', { exitCode: null }) }, more)
    expect(await failed()).toBe('SSH_COMMAND_FAILED')
  })
})

describe.concurrent('free-disk', () => {
  const more = { runbook: 'free-disk' }
  const input = { host: 'compute1', what: 'journal', minFreePercent: 20 }
  const used = (...percents: number[]): Script => ({
    lookOnHost: percents.map((percent) => said(`Use%\n ${percent}%\n`)),
  })

  it('clears more and more, and stops as soon as enough is free', async () => {
    const { cloud, handle } = await begin(input, { ...used(97, 90, 80, 10), runCommand: said('') }, more)
    expect(await handle.result()).toEqual({
      ...{ summary: '/var/log/journal on compute1: 20 % free, it was 3 %', before: 3, free: 20 },
    })
    expect(cloud.inputs('runCommand')).toEqual(
      ['2000M', '1000M'].map((size) => ({ host: 'compute1', command: 'free-journal', args: { size } })),
    )
    expect(cloud.inputs('lookOnHost')[0]).toEqual({
      ...{ host: 'compute1', command: 'disk-usage', args: { path: '/var/log/journal' } },
    })
    expect(cloud.inputs('requestLease')[0]?.request.risk).toBe('destructive')
  })

  it('deletes nothing where enough is free', async () => {
    const { cloud, handle } = await begin({ ...input, what: 'logs' }, used(80), more)
    expect(await handle.result()).toMatchObject({ summary: '/var/log on compute1: 20 % free, which is enough' })
    expect(cloud.inputs('runCommand')).toEqual([])
  })

  it('fails when all its steps have left too little room', async () => {
    const given = { ...input, what: 'instance-cache' }
    const { cloud, handle } = await begin(given, { ...used(97), runCommand: said('') }, more)
    await expect(handle.result()).rejects.toMatchObject({
      cause: {
        type: 'EFFECT_FAILED',
        message: '/var/lib/nova/instances on compute1: 3 % free after all 3 steps, it was 3 %',
      },
    })
    expect(cloud.inputs('runCommand')).toHaveLength(3)
  })

  it('ends with the first step that fails', async () => {
    const script = { ...used(97), runCommand: said('', { exitCode: 1, stderr: 'Read-only file system' }) }
    const { cloud, failed } = await begin(input, script, more)
    expect(await failed()).toBe('SSH_COMMAND_FAILED')
    expect(cloud.inputs('runCommand')).toHaveLength(1)
  })

  it.each([
    ['TARGET_UNFIT', { lookOnHost: said('no such file') }],
    ['SSH_NOT_CONFIGURED', { lookOnHost: failure('SSH_NOT_CONFIGURED', 'no disk-usage') }],
  ] as const)('deletes nothing when it cannot tell how full the disk is: %s', async (code, script) => {
    const { cloud, failed } = await begin(input, script, more)
    expect(await failed()).toBe(code)
    expect(cloud.names()).toEqual(['lookOnHost'])
  })

  it('says in a dry run what it would do at most', async () => {
    const { cloud, handle, view } = await begin(input, used(97), { ...more, dryRun: true })
    expect(await handle.result()).toMatchObject({
      summary: '/var/log/journal on compute1: 3 % free; up to 4 steps would be taken',
    })
    expect((await view()).steps?.map(({ state }) => state)).toEqual(['would', 'would', 'would', 'would'])
    expect(cloud.inputs('runCommand')).toEqual([])
  })
})
