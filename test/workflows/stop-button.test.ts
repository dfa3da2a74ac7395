import type { Client } from '@temporalio/client'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { codeOf, messageOf } from '../../core/errors.ts'
import type { StopState } from '../../core/stop.ts'
import { taskQueues } from '../../core/task-queues.ts'
import { connectClient } from '../../temporal/connection.ts'
import { loadKeys } from '../../temporal/keys.ts'
import { createStopButton } from '../../temporal/stop.ts'
import { stopId } from '../../workflows/stop.ts'
import { sharedEngine, useWorker } from './engine.ts'

const bench = useWorker()
const olga = { by: 'olga', userId: 'u-olga', why: 'storage is on fire' }
const pia = { by: 'pia', userId: 'u-pia', why: 'the fire is out' }
const noFile = async () => undefined

let client: Client
let close: () => Promise<void>
beforeAll(async () => {
  const connected = await connectClient(sharedEngine(), await loadKeys(inject('engine').keysFile))
  client = connected.client
  close = connected.close
})
afterAll(() => close())

// there is one button in an installation: one test after the other
describe('the stop button', () => {
  it('is not pressed in a new installation', async () => {
    expect(await createStopButton(client, noFile).show()).toBeUndefined()
  })

  it('works from the moment it is pressed, although no worker runs, and keeps who pressed it first', async () => {
    const button = createStopButton(client, noFile)
    const pressed = await button.press(olga)
    expect(pressed).toMatchObject({ ...olga, source: 'api' })
    expect(await button.show()).toEqual(pressed)
    expect(await button.press({ ...pia, why: 'me too' })).toEqual(pressed)
  })

  it('stays pressed for another process, until a person resumes deliberately, and both are kept', async () => {
    const button = createStopButton(client, noFile)
    const stop = await bench.startWorker(taskQueues.remediation)
    try {
      const pressed = await button.show()
      expect(pressed).toMatchObject(olga)
      expect(await button.resume(pia)).toEqual(pressed)
      expect(await button.show()).toBeUndefined()
      expect(await client.workflow.getHandle(stopId).result()).toMatchObject({ pressed: olga, resumed: pia })
    } finally {
      await stop()
    }
  })

  it('says that there was nothing to resume', async () => {
    expect(await createStopButton(client, noFile).resume(pia)).toBeUndefined()
  })

  it('counts as pressed while there is a stop file, which only its own machine can take away', async () => {
    const file: StopState = { ...olga, at: '2026-11-21T03:00:00.000Z', source: 'file' }
    const button = createStopButton(client, async () => file)
    expect(await button.show()).toEqual(file)
    const refused: unknown = await button.resume(pia).catch((error: unknown) => error)
    expect(codeOf(refused)).toBe('STOPPED')
    expect(messageOf(refused)).toContain('steward resume --file')
  })
})
