import { vi } from 'vitest'
import { answerRun } from '../../../workflows/sdk/questions.ts'
import type { RunView } from '../../../workflows/sdk/record.ts'
import { viewOf } from '../engine.ts'
import type { Scenario } from './scenario.ts'

export const scenario: Scenario = {
  input: { question: 'Is rack 4 dark?' },
  world: () => ({ activities: {}, left: () => [] }),
  async meanwhile(handle) {
    const questionId = await vi.waitFor(async () => {
      const { question } = await viewOf<RunView>(handle)
      return question?.id ?? Promise.reject(new Error('it does not ask yet'))
    }, 30_000)
    await handle.executeUpdate(answerRun, { args: [{ questionId, by: 'pia', yes: true }] })
  },
}
