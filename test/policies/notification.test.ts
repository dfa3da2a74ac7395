import { describe, expect, it } from 'vitest'
import { eventNames } from '../../core/notification.ts'
import { eventIdOf, isWanted, pathOf, sentenceOf } from '../../policies/notification.ts'
import { announcements, id } from './happenings.ts'

const { action, warning, occurrence, recurring, incident, delegation, plan, stale, pressed, released } = announcements
const { asking, notice } = announcements

describe('a receiver', () => {
  it('is told of what it has asked for, and of nothing else', () => {
    expect(isWanted({ on: ['action.failed'] }, action)).toBe(true)
    expect(isWanted({ on: ['action.failed'] }, warning)).toBe(false)
    expect(isWanted({ on: ['action.failed'] }, incident)).toBe(false)
  })

  it('for some projects is told of the actions of these, and of what belongs to no project', () => {
    const of = (...projects: string[]) => ({ on: eventNames, projects })
    for (const given of [action, occurrence, recurring]) {
      expect(isWanted(of('project-1', 'project-2'), given)).toBe(true)
      expect(isWanted(of('project-2'), given)).toBe(false)
    }
    for (const given of [incident, delegation, plan, pressed]) expect(isWanted(of('project-2'), given)).toBe(true)
  })

  it('for some policies is told of the incidents of these, and of what is no incident', () => {
    const of = (...policies: string[]) => ({ on: eventNames, policies })
    expect(isWanted(of('dead', 'hot'), incident)).toBe(true)
    expect(isWanted(of('hot'), incident)).toBe(false)
    for (const given of [action, delegation, plan, released]) expect(isWanted(of('hot'), given)).toBe(true)
  })
})

describe('an event', () => {
  it('has an id that is the same on repeat, its own, and without full stops', () => {
    const ids = Object.values(announcements).map(eventIdOf)
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids).toEqual(Object.values(announcements).map(eventIdOf))
    expect(ids.join('')).not.toContain('.')
    expect(eventIdOf({ ...incident, sequence: 4 })).not.toBe(eventIdOf(incident))
    expect(eventIdOf(incident)).toBe(`incident-escalated/incident/${id}/3`)
  })

  it.each([
    [action, `/v1/actions/${id}`],
    [occurrence, `/v1/recurring-actions/${id}/occurrences/2026-11-21T01%3A00%3A00.000Z`],
    [recurring, `/v1/recurring-actions/${id}`],
    [incident, `/v1/incidents/${id}`],
    [delegation, '/v1/delegations/remediation'],
    [plan, `/v1/plans/${id}`],
    [pressed, '/v1/stop'],
    [asking, `/v1/runs/${id}`],
    [notice, `/v1/runs/${id}`],
  ])('of $event leads to where its subject is read', (given, path) => {
    expect(pathOf(given)).toBe(path)
  })

  it.each([
    [action, 'server.stop 6f1c: failed: CLOUD_REFUSED: compute said no'],
    [
      warning,
      'server.stop 6f1c, due 2026-11-21T01:00:00.000Z, has something in its way: TARGET_MISSING: there is no server 6f1c',
    ],
    [recurring, 'nightly stop: delegation-lost: DELEGATION_LOST: the trust is gone; nothing more is begun'],
    [incident, 'dead, nova-compute on cmp-1: escalated: people are needed: it did not help'],
    [delegation, 'the delegation of ana is lost: the trust is gone; remediation has no rights'],
    [
      plan,
      'the plan to drain, asked for by olga: 2 move(s) between 2 hosts wait for 1 person(s) to say yes until 2026-11-21T01:00:00.000Z',
    ],
    [stale, 'the plan to drain, asked for by olga: stale: PLAN_STALE: wave 2 of 2: server 4 is gone'],
    [asking, `notify, started by olga, asks until ${asking.at}: is rack 4 dark?`],
    [notice, 'notify, started by olga: rack 4 is empty'],
    [pressed, 'olga has pressed the stop button: storage is on fire'],
    [released, 'pia has released the stop button: the fire is out; it was pressed by olga: storage is on fire'],
  ])('of $event says in one sentence what happened', (given, sentence) => {
    expect(sentenceOf(given)).toBe(sentence)
  })
})
