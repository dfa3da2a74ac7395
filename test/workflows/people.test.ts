import { describe, expect, it } from 'vitest'
import { answerRun } from '../../workflows/sdk/questions.ts'
import type { RunView } from '../../workflows/sdk/record.ts'
import { until, untilState } from './engine.ts'
import { useRunbooks } from './run-bench.ts'

const asking = useRunbooks('ask-person')
const question = 'Is rack 4 dark?'

async function asked(withinMinutes?: number) {
  const { begin } = asking
  const started = await begin({ question, ...(withinMinutes && { withinMinutes }) }, {})
  await untilState(started.handle, 'asking')
  const view = await started.view()
  const answer = (yes: boolean) =>
    started.handle.executeUpdate(answerRun, {
      args: [{ questionId: view.question?.id ?? '', by: 'pia', yes, why: 'I looked' }],
    })
  return { ...started, question: view.question as NonNullable<RunView['question']>, answer }
}

describe.concurrent('ask-person', () => {
  it('has people told that it asks, and until when, and ends well with a yes', async () => {
    const { cloud, handle, answer, question: open } = await asked(5)
    await until(
      () => cloud.inputs('announce').map(({ event, sequence, view }) => [event, sequence, view]),
      [
        [
          'run.asking',
          open.id,
          {
            ...{ runbook: 'ask-person', by: 'olga', why: 'maintenance', text: question, severity: 'warning' },
            ...{ id: handle.firstExecutionRunId, until: open.until },
          },
        ],
      ],
    )
    expect(Date.parse(open.until) - Date.parse(open.askedAt)).toBe(300_000)
    await answer(true)
    expect(await handle.result()).toEqual({ summary: `pia said yes: ${question}`, by: 'pia', why: 'I looked' })
    expect(cloud.names()).toEqual([])
  })

  it('ends as stopped with a no', async () => {
    const { answer, failed, view } = await asked()
    await answer(false)
    expect(await failed()).toBe('RUN_REFUSED')
    expect(await view()).toMatchObject({ state: 'stopped', summary: `pia said no: ${question}` })
  })

  it('that is dry asks nobody and tells nobody', async () => {
    const { cloud, handle } = await asking.begin({ question }, {}, { dryRun: true })
    await handle.result()
    expect(cloud.calls).toEqual([])
  })

  it('takes no question without words and no wait without end', async () => {
    expect(await (await asking.begin({ question: ' ' }, {})).failed()).toBe('INPUT_INVALID')
    expect(await (await asking.begin({ question, withinMinutes: 20_000 }, {})).failed()).toBe('INPUT_INVALID')
  })
})

describe.concurrent('notify', () => {
  it('has those told who want to hear what runs say', async () => {
    const { cloud, handle } = await asking.begin(
      { text: 'rack 4 is empty', severity: 'error' },
      {},
      { runbook: 'notify' },
    )
    expect(await handle.result()).toEqual({ summary: 'told: rack 4 is empty' })
    const id = handle.firstExecutionRunId
    expect(cloud.inputs('announce')).toMatchObject([
      {
        ...{ event: 'run.notice', subject: `run/${id}` },
        view: { id, runbook: 'notify', by: 'olga', why: 'maintenance', text: 'rack 4 is empty', severity: 'error' },
      },
    ])
  })

  it('that is dry tells nobody', async () => {
    const more = { runbook: 'notify', dryRun: true }
    const { cloud, handle } = await asking.begin({ text: 'rack 4 is empty' }, {}, more)
    expect(await handle.result()).toEqual({ summary: 'would be told: rack 4 is empty' })
    expect(cloud.calls).toEqual([])
  })
})
