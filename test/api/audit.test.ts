import { describe, expect, it } from 'vitest'
import { auditRoutes } from '../../api/routes/audit.ts'
import type { AuditCursor, AuditEvent } from '../../core/audit.ts'
import { failure } from '../../core/errors.ts'
import type { AuditQuestion } from '../../temporal/audit.ts'
import { alone, seesCloud } from './alone.ts'
import { as, at, expectProblem, nowMs } from './app.ts'

const event = (id: string) => ({ id }) as AuditEvent

async function audit(answers: (AuditEvent | AuditCursor | Error)[] = []) {
  const asked: AuditQuestion[] = []
  let isClosed = false
  async function* events(question: AuditQuestion) {
    asked.push(question)
    try {
      for (const answer of answers) {
        if (answer instanceof Error) throw answer
        yield answer
      }
    } finally {
      isClosed = true
    }
  }
  const app = await alone(auditRoutes, { audit: { events }, seesCloud, now: () => nowMs })
  const ask = (query: string, who: string) => app.inject({ url: `/v1/audit${query}`, headers: as(who) })
  return { asked, ask, isClosed: () => isClosed }
}

describe('the audit', () => {
  it('is sent as one JSON document a line, with the cursor last', async () => {
    const { ask } = await audit([event('a'), event('b'), { next: 'x' }])
    const answer = await ask('', 'operator')
    expect(answer.headers['content-type']).toMatch(/^application\/x-ndjson/)
    expect(answer.body).toBe('{"id":"a"}\n{"id":"b"}\n{"next":"x"}\n')
  })

  it('is empty when nothing was done', async () => {
    const { ask } = await audit()
    const answer = await ask('', 'operator')
    expect([answer.statusCode, answer.body]).toEqual([200, ''])
  })

  it('is of the last day, or of the time asked for', async () => {
    const { ask, asked } = await audit()
    await ask('', 'operator')
    const after = `${at(-10)} 0193a7f0-5a51-7c3f-8d60-2f9d0f4c1e77 00000007 1`
    const query = new URLSearchParams({ since: at(-60), until: at(0), host: 'cmp-1', project: 'p', limit: '5', after })
    await ask(`?${query}`, 'operator')
    expect(asked).toEqual([
      { sinceMs: nowMs - 86_400_000, untilMs: nowMs, limit: 10_000 },
      { sinceMs: nowMs - 60_000, untilMs: nowMs, limit: 5, host: 'cmp-1', projectId: 'p', after },
    ])
  })

  it('is for a tenant that of the own project, whatever is asked for', async () => {
    const { ask, asked } = await audit()
    for (const query of ['', '?project=project-1']) {
      await ask(query, 'reader')
      expect(asked.pop()).toMatchObject({ projectId: 'project-1' })
    }
    for (const query of ['?project=project-2', '?host=cmp-1', '?project=project-1&host=cmp-1'])
      expectProblem(await ask(query, 'member'), 'ROLE_MISSING')
    expectProblem(await ask('?project=project-1', 'stranger'), 'ROLE_MISSING')
    expectProblem(await ask('', 'nobody'), 'TOKEN_INVALID')
    expect(asked).toEqual([])
  })

  it('refuses what it cannot understand', async () => {
    const { ask, asked } = await audit()
    const wrong = ['?since=yesterday', '?limit=0', '?limit=50001', "?after=x' OR", `?since=${at(1)}`, '?user=olga']
    for (const query of wrong) expectProblem(await ask(query, 'operator'), 'INPUT_INVALID')
    expect(asked).toEqual([])
  })

  it('is a problem when Temporal does not answer, and ends reading', async () => {
    const { ask, isClosed } = await audit([failure('ENGINE_UNREACHABLE', 'Temporal does not answer')])
    expectProblem(await ask('', 'operator'), 'ENGINE_UNREACHABLE')
    expect(isClosed()).toBe(true)
  })

  it('breaks off, and does not look whole, when Temporal goes away in the middle', async () => {
    const { ask } = await audit([event('a'), failure('ENGINE_UNREACHABLE', 'gone')])
    await expect(ask('', 'operator')).rejects.toThrow()
  })
})
