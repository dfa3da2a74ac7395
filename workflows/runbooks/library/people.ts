import { z } from 'zod'
import { severities } from '../../../core/notification.ts'
import { defineRunbook } from '../../sdk/definition.ts'

const Text = z.string().trim().min(1).max(500)

/** Waits for a person's word: a step between others, or a question at night. */
export const askPerson = defineRunbook({
  name: 'ask-person',
  title: 'Ask a person',
  description:
    'Asks one question, has people told that it does, and waits. Yes ends it well; no, or no answer within the time, ends it as stopped. Changes nothing.',
  input: z.strictObject({
    question: Text.describe('to be answered by yes or no'),
    withinMinutes: z.int().min(1).max(10_080).default(60).describe('no answer by then is a no'),
  }),
  risk: 'read',
  needs: {},
  targets: () => [],
  async run(run, { question, withinMinutes }) {
    const { by, why } = await run.ask(question, { withinSeconds: withinMinutes * 60 })
    return { summary: `${by} said yes: ${question}`, by, ...(why && { why }) }
  },
})

/** Says something to people. */
export const notify = defineRunbook({
  name: 'notify',
  title: 'Tell people something',
  description:
    'Hands one sentence to the receivers of notifications that ask for run.notice, each of which gets it as often as it takes until it says so. Changes nothing.',
  input: z.strictObject({
    text: Text,
    severity: z.enum(severities).default('info').describe('for PagerDuty'),
  }),
  risk: 'read',
  needs: {},
  targets: () => [],
  async run(run, { text, severity }) {
    await run.tell(text, severity)
    return { summary: `${run.dryRun ? 'would be told' : 'told'}: ${text}` }
  },
})
