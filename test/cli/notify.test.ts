import { afterEach, describe, expect, it } from 'vitest'
import { receiverAt } from '../activities/receivers.ts'
import { serve } from '../openstack/server.ts'
import { installation, steward } from './steward.ts'

afterEach(() => {
  process.exitCode = undefined
})

describe('steward notify test', () => {
  it('prints what each receiver answered, and fails when one has not taken it', async () => {
    const [well, gone] = [await serve(() => ({ status: 202 })), await serve(() => ({ status: 410, body: 'gone' }))]
    const receivers = [receiverAt({ url: well.url, name: 'ops' }), receiverAt({ url: gone.url, name: 'night' })]
    const { env, url } = await installation({ receivers })
    const { out, err } = await steward(env, '--api', url, 'notify', 'test')
    expect(err).toBe('')
    const [head, ...rows] = out.trimEnd().split('\n')
    expect(head).toMatch(/^RECEIVER +KIND +EVENT +STATUS +DETAIL$/)
    expect(rows[0]).toMatch(/^ops +webhook +delivered +202 +-$/)
    expect(rows[1]).toMatch(/^night +webhook +NOT delivered +410 +night answered 410: gone$/)
    expect(process.exitCode).toBe(1)
  })

  it('asks one receiver, and prints JSON when asked for', async () => {
    const { url: hook, received } = await serve(() => ({}))
    const { env, url } = await installation({ receivers: [receiverAt({ url: hook, name: 'ops' })] })
    const { out } = await steward(env, '--api', url, '--json', 'notify', 'test', 'ops')
    expect(JSON.parse(out)).toMatchObject({ results: [{ receiver: 'ops', delivered: true, status: 200 }] })
    expect(received).toHaveLength(1)
    expect(process.exitCode).toBeUndefined()
  })

  it('says that there is no such receiver', async () => {
    const { env, url } = await installation()
    const { err, code } = await steward(env, '--api', url, 'notify', 'test', 'nobody')
    expect([code, err]).toEqual([1, expect.stringContaining('there is no receiver nobody')])
  })
})

describe('steward notify list', () => {
  const given = {
    ...{ state: 'undelivered' as const, id: 'x', type: 'io.steward.stop.pressed', subject: 'stop/1' },
    ...{ time: '2026-11-21T01:00:00.000Z', summary: 'olga has pressed the stop button' },
    deliveries: [
      { receiver: 'ops', state: 'delivered' as const, status: 202 },
      { receiver: 'night', state: 'refused' as const, detail: 'night answered 410' },
    ],
  }

  it('prints what happened and whom it has reached', async () => {
    const asked: unknown[] = []
    const { env, url } = await installation({
      async notified(...wanted) {
        asked.push(wanted)
        return [given]
      },
    })
    const { out } = await steward(env, '--api', url, 'notify', 'list', '--state', 'undelivered')
    const [head, row] = out.trimEnd().split('\n')
    expect(head).toMatch(/^HAPPENED +EVENT +STATE +WHAT +RECEIVERS$/)
    expect(row).toMatch(/^2026-11-21T01:00:00.000Z +stop.pressed +undelivered +olga has pressed the stop button /)
    expect(row).toMatch(/ ops: delivered; night: refused \(night answered 410\)$/)
    expect(asked).toEqual([[100, 'undelivered']])
    const json = await steward(env, '--api', url, '--json', 'notify', 'list')
    expect(JSON.parse(json.out)).toEqual({ notifications: [given] })
  })
})
