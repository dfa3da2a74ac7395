import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { failure } from '../../core/errors.ts'
import { Run, RunbookCard, RunbookName, RunState, StartRun } from '../../core/runbook.ts'
import type { RunbookList } from '../../temporal/runbook-list.ts'
import type { Runs } from '../../temporal/runs.ts'
import { callerOf } from '../access.ts'
import { refuseDeepBody } from '../body.ts'
import { IdempotencyKey } from '../idempotency.ts'
import { nextOf, nextPage, pageQuery } from '../paging.ts'
import { Problem } from '../problem.ts'
import { type StartRunOptions, startRun } from '../start-run.ts'

export interface RunbookRoutesOptions extends StartRunOptions {
  readonly runbooks: RunbookList
  readonly runs: Runs
}

const Name = z.object({ name: RunbookName })
const Id = z.object({ id: z.uuid() })
const problems = { 400: Problem, 401: Problem, 403: Problem, 503: Problem }
const found = { ...problems, 404: Problem, 409: Problem }
const States = z.union([RunState, z.array(RunState).min(1).max(RunState.options.length)])
const MoveBody = z.strictObject({ why: StartRun.shape.why.optional() }).optional()
const AnswerBody = z.strictObject({
  questionId: z.uuid(),
  yes: z.boolean(),
  why: z.string().trim().min(1).max(500).optional(),
})

/** Runbooks and their runs: what can be done, what is being done, and how it ended. */
export const runbookRoutes: FastifyPluginAsyncZod<RunbookRoutesOptions> = async (app, options) => {
  const { runbooks } = options
  app.get(
    '/runbooks',
    {
      config: { access: 'runbooks:read' },
      schema: {
        tags: ['runbooks'],
        summary: 'List the runbooks that the workers have, with the schemas of their input',
        response: { 200: z.object({ runbooks: z.array(RunbookCard) }), ...problems },
      },
    },
    async () => ({ runbooks: await runbooks.list() }),
  )
  app.get(
    '/runbooks/:name',
    {
      config: { access: 'runbooks:read' },
      schema: {
        tags: ['runbooks'],
        summary: 'Show a runbook: what it does, takes and may do',
        params: Name,
        response: { 200: RunbookCard, ...problems, 404: Problem },
      },
    },
    ({ params: { name } }) => runbooks.show(name),
  )
  app.post(
    '/runbooks/:name/runs',
    {
      config: { access: 'runbooks:run' },
      preValidation: refuseDeepBody,
      schema: {
        tags: ['runbooks'],
        summary: 'Start a run; what can change something says first what it would do, unless `dryRun` is false',
        params: Name,
        headers: IdempotencyKey,
        body: StartRun,
        response: { 201: Run, ...found },
      },
    },
    async (request, reply) => {
      const key = request.headers['idempotency-key']
      const run = await startRun(request.params.name, request.body, callerOf(request), options, key)
      return reply.code(201).header('location', `/v1/runs/${run.id}`).send(run)
    },
  )
  await app.register(runRoutes, options)
}

const runRoutes: FastifyPluginAsyncZod<RunbookRoutesOptions> = async (app, options) => {
  const { runs } = options
  app.get(
    '/runs',
    {
      config: { access: 'runbooks:read' },
      schema: {
        tags: ['runbooks'],
        summary: 'List runs, whoever started them: those that run first, newest first',
        querystring: z.strictObject({
          ...pageQuery,
          state: States.optional().describe('only those in this state; may be given more than once'),
          runbook: RunbookName.optional(),
        }),
        response: { 200: z.object({ runs: z.array(Run), ...nextPage }), ...problems },
      },
    },
    async ({ query: { state, runbook, ...wish } }) => {
      const page = await runs.list({
        ...wish,
        ...(state !== undefined && { states: [state].flat() }),
        ...(runbook !== undefined && { runbook }),
      })
      return { runs: page.items, ...nextOf(page) }
    },
  )
  app.get(
    '/runs/:id',
    {
      config: { access: 'runbooks:read' },
      schema: {
        tags: ['runbooks'],
        summary: 'Show a run: its steps, what it asks, how it ended',
        params: Id,
        response: { 200: Run, ...problems, 404: Problem },
      },
    },
    ({ params: { id } }) => runs.show(id),
  )
  app.get(
    '/runs/:id/history',
    {
      config: { access: 'runbooks:read' },
      schema: {
        tags: ['runbooks'],
        summary: "Export the history of a run, in Temporal's own JSON, by pages; what is encrypted stays so",
        description:
          'The `events` of all pages one after the other are the history: `{"events": [...]}` is a file for ' +
          '`steward runbook check --replay`, and for the tools of Temporal.',
        params: Id,
        querystring: z.strictObject(pageQuery),
        response: { 200: z.object({ events: z.array(z.unknown()), ...nextPage }), ...problems, 404: Problem },
      },
    },
    async ({ params: { id }, query }) => {
      const page = await runs.history(id, query)
      return { events: page.items, ...nextOf(page) }
    },
  )
  app.post(
    '/runs/:id/cancel',
    {
      config: { access: 'runbooks:run' },
      schema: {
        tags: ['runbooks'],
        summary: 'Have a run take back what it did, and end; what is under way is seen through first',
        params: Id,
        response: { 202: Run, ...found },
      },
    },
    async ({ params: { id } }, reply) => reply.code(202).send(await runs.cancel(id)),
  )
  app.post(
    '/runs/:id/move',
    {
      config: { access: 'runbooks:run' },
      schema: {
        tags: ['runbooks'],
        summary: 'Have an open run go on with the code that runs begin with now, if its steps so far fit that code',
        params: Id,
        body: MoveBody,
        response: { 200: Run, ...found },
      },
    },
    (request) => {
      const { why = 'to the current code' } = request.body ?? {}
      return runs.move(request.params.id, { by: callerOf(request).userName, why })
    },
  )
  app.post(
    '/runs/:id/answer',
    {
      config: { access: 'runbooks:run' },
      schema: {
        tags: ['runbooks'],
        summary: 'Answer what a run asks; its question has an id, so that no answer meets another question',
        params: Id,
        body: AnswerBody,
        response: { 200: Run, ...found },
      },
    },
    (request) => {
      const { questionId, yes, why } = request.body
      const by = callerOf(request).userName
      return runs.answer(request.params.id, { questionId, yes, by, ...(why !== undefined && { why }) })
    },
  )
  app.post(
    '/runs/:id/again',
    {
      config: { access: 'runbooks:run' },
      preValidation: refuseDeepBody,
      schema: {
        tags: ['runbooks'],
        summary: 'Start a run with the input of an earlier one',
        params: Id,
        body: StartRun.omit({ input: true }),
        response: { 201: Run, ...found },
      },
    },
    async (request, reply) => {
      const { runbook, input } = await runs.show(request.params.id)
      if (input === undefined)
        throw failure(
          'RUN_UNREPEATABLE',
          `run ${request.params.id} belongs to an incident, which knows what it was for`,
        )
      const asked = StartRun.parse({ ...request.body, input })
      const run = await startRun(runbook, asked, callerOf(request), options)
      return reply.code(201).header('location', `/v1/runs/${run.id}`).send(run)
    },
  )
}
