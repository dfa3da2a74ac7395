import { describe, expect, it } from 'vitest'
import type { Why } from '../../core/why.ts'
import { serve } from '../openstack/server.ts'
import { installation, steward } from './steward.ts'

const found: Why = {
  about: 'host/cmp-1',
  at: '2026-11-21T03:00:00.000Z',
  answer: 'olga (person) holds host/cmp-1 for hold: replaces a disk',
  reasons: [
    {
      ...{ weight: 'stops', at: '2026-11-21T02:30:00.000Z', until: '2026-11-21T04:30:00.000Z', code: 'TARGET_BUSY' },
      sentence: 'olga (person) holds host/cmp-1 for hold: replaces a disk\u001b[2J',
    },
    { weight: 'slows', sentence: 'host/cmp-1: 1 of 1 runs are at work', figures: { atWork: 1, atOnce: 1 } },
    ...Array.from({ length: 10 }, (_, i): Why['reasons'][number] => ({
      ...{ weight: 'tells', at: '2026-11-21T02:00:00.000Z', sentence: `entry ${i}` },
    })),
  ],
}

describe('steward why', () => {
  it('says the answer first, then what stops, what waits, and how things are', async () => {
    const { env } = await installation()
    const api = await serve(() => ({ body: found }))
    const { out, code } = await steward(env, '--api', api.url, 'why', 'cmp-1')
    const lines = out.trimEnd().split('\n')
    expect(code).toBe(0)
    expect(lines[0]?.trim()).toBe(found.answer)
    expect(lines[2]).toMatch(/^STOPS +olga .+ \(since 2026-11-21 02:30:00 until 2026-11-21 04:30:00\) \[TARGET_BUSY\]$/)
    expect(lines[3]).toMatch(/^WAITS +host\/cmp-1: 1 of 1 runs are at work$/)
    expect(lines[5]).toMatch(/^2026-11-21 02:00:00 +entry 0$/)
    expect(lines.at(-1)?.trim()).toBe('2 more with --all')
    expect(out.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u)
  })

  it('says everything with --all, and JSON when asked for', async () => {
    const { env } = await installation()
    const api = await serve(() => ({ body: found }))
    expect((await steward(env, '--api', api.url, 'why', 'cmp-1', '--all')).out).toMatch(
      /\{atWork=1 atOnce=1\}[\s\S]*entry 9/,
    )
    expect(JSON.parse((await steward(env, '--api', api.url, '--json', 'why', 'cmp-1')).out)).toEqual(found)
  })

  it.each([
    ['cmp-1', 'host/cmp-1'],
    ['0193a7f0-5a51-7c3f-8d60-2f9d0f4c1e77', 'incident/0193a7f0-5a51-7c3f-8d60-2f9d0f4c1e77'],
    ['action/0193a7f0-5a51-7c3f-8d60-2f9d0f4c1e77', 'action/0193a7f0-5a51-7c3f-8d60-2f9d0f4c1e77'],
    ['run/restart-service/cmp-1/nova-compute', 'run/restart-service/cmp-1/nova-compute'],
    ['alert/a b', 'alert/a b'],
  ])('takes %s as %s', async (what, about) => {
    const { env } = await installation()
    const api = await serve(() => ({ body: found }))
    await steward(env, '--api', api.url, 'why', what)
    expect(new URL(api.received[0]?.path ?? '', api.url).searchParams.get('about')).toBe(about)
  })
})
