import { condition, defineUpdate, setHandler, uuid4 } from '@temporalio/workflow'
import { failure } from '../../core/errors.ts'
import type { Answer } from '../../core/runbook.ts'
import { createAnnouncer } from '../announce.ts'
import type { RunContext } from './context.ts'
import { type RunRecord, subjectHere, wordOf } from './record.ts'
import { assertSeconds } from './seconds.ts'

/** A person's word on what a run asks. The same answer again is taken once. */
export const answerRun = defineUpdate<void, [Omit<Answer, 'at'> & { questionId: string }]>('answerRun')

const defaultWithinSeconds = 3600

/** Lets a run ask people, and has them told that it does. A dry run is told yes, so that it can say what would follow. */
export function createQuestions(record: RunRecord, dryRun: boolean): RunContext['ask'] {
  const answers = new Map<string, Answer>()
  const announcer = createAnnouncer()
  setHandler(
    answerRun,
    ({ questionId, by, yes, why }) => {
      if (!answers.has(questionId))
        answers.set(questionId, { by, yes, at: new Date().toISOString(), ...(why && { why }) })
    },
    {
      validator({ questionId }) {
        if (record.view.question?.id !== questionId && !answers.has(questionId))
          throw failure('QUESTION_CLOSED', `run does not ask question ${questionId} at the moment`, { questionId })
      },
    },
  )

  return async (text, { withinSeconds = defaultWithinSeconds } = {}) => {
    assertSeconds('withinSeconds of run.ask', withinSeconds)
    if (dryRun) {
      record.would(`ask: ${text}`)
      return { by: 'dry run', at: new Date().toISOString(), yes: true }
    }
    const before = record.view.state
    const id = uuid4()
    const until = new Date(Date.now() + withinSeconds * 1000).toISOString()
    record.view.question = { id, text, askedAt: new Date().toISOString(), until }
    record.to('asking')
    record.note(`asks: ${text}`)
    announcer.tell({
      event: 'run.asking',
      subject: subjectHere(),
      sequence: id,
      view: { ...wordOf(record.view, text, 'warning'), until },
    })
    try {
      await condition(() => answers.has(id), withinSeconds * 1000)
    } finally {
      delete record.view.question
    }
    record.to(before)
    const answer = answers.get(id)
    if (!answer) throw failure('RUN_REFUSED', `nobody answered within ${withinSeconds} s: ${text}`, { question: text })
    record.view.answers = [...(record.view.answers ?? []), answer]
    record.note(`${answer.by} says ${answer.yes ? 'yes' : 'no'}${answer.why ? `: ${answer.why}` : ''}`)
    if (!answer.yes) throw failure('RUN_REFUSED', `${answer.by} said no: ${text}`, { question: text })
    return answer
  }
}
