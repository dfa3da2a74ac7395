import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Risk } from '../../core/governor.ts'
import type { Needs } from '../../core/runbook.ts'
import { cardOf, defineRunbook, inputOf } from '../../workflows/sdk/definition.ts'

const define = (needs: Partial<Needs>, more: object = {}) =>
  defineRunbook({
    ...{ name: 'greet-host', title: 'Greets', description: 'Greets a host.', input: z.strictObject({}) },
    ...{ risk: 'move' as Risk, needs, targets: () => ['host/compute1'] },
    run: async () => ({ summary: 'hello' }),
    ...more,
  })

describe('a runbook', () => {
  it('may declare what there is, and says it to whoever asks', () => {
    const needs = { actions: ['server.stop'], steps: ['liveMigrate'], calls: ['compute POST /servers/{server}/action'] }
    expect(cardOf(define(needs), 'own')).toMatchObject({ needs, dryRunByDefault: true, source: 'own' })
  })

  it.each([
    ['an action that is not in the catalogue', { actions: ['server.stopp'] }, 'there is no action server.stopp'],
    ['a step that Steward does not have', { steps: ['liveMigrat'] }, 'there is no step liveMigrat'],
    ['a call in words of its own', { calls: ['stop the server'] }, 'calls.0: service METHOD /path/{of}/it'],
  ])('that declares %s is none', (_name, needs, says) => {
    expect(() => define(needs)).toThrow(says)
  })

  it.each([
    ['an action', { actions: ['server.stop'] }, 'server.stop'],
    ['a call', { calls: ['compute DELETE /servers/{server}'] }, 'compute DELETE /servers/{server}'],
    ['a step', { steps: ['lookAtService', 'restartService'] }, 'restartService'],
  ])('whose risk is `read` may not change anything by %s: it has neither lease nor dry run', (_name, needs, what) => {
    expect(() => define(needs, { risk: 'read' })).toThrow(`its risk is \`read\`, and ${what} changes something`)
  })

  it('whose risk is `read` may read', () => {
    const needs = { calls: ['compute GET /servers/{server}'], steps: ['lookAtService'] }
    expect(cardOf(define(needs, { risk: 'read' }), 'own').dryRunByDefault).toBe(false)
  })
})

describe('input that does not fit', () => {
  const runbook = define(
    {},
    {
      input: z.strictObject({
        host: z.uuid().optional(),
        count: z.int().optional(),
        adminPassword: z.int().optional(),
      }),
    },
  )

  it.each([
    // biome-ignore lint/suspicious/noTemplateCurlyInString: what a test would write
    [{ host: '${hosts.a.id}' }, 'input.host: Invalid UUID, given "${hosts.a.id}"'],
    [{ host: 'x'.repeat(500) }, `given "${'x'.repeat(59)}…`],
    [{ count: { adminPassword: 'CANARY', of: 1 } }, 'given {"adminPassword":"***","of":1}'],
  ])('is refused with what was given, in short: %j', (given, says) => {
    expect(() => inputOf(runbook, given)).toThrow(says)
  })

  it('is not repeated where it may be a secret', () => {
    const refused = () => inputOf(runbook, { adminPassword: 'CANARY-secret' })
    expect(refused).toThrow('input.adminPassword: ')
    expect(refused).not.toThrow('CANARY')
  })
})
