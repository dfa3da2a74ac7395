import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { StopState } from '../../core/stop.ts'
import type { StopButton } from '../../temporal/stop.ts'
import { callerOf } from '../access.ts'
import { Problem } from '../problem.ts'

const problems = { 400: Problem, 401: Problem, 403: Problem, 503: Problem }
const Body = z.strictObject({ why: z.string().trim().min(1).max(500) })

export const StopView = z.object({
  stopped: z.boolean(),
  state: StopState.optional().describe('who pressed it, when and why; after a resumption: what it was pressed for'),
})
export type StopView = z.infer<typeof StopView>

/** The stop button: pressed, nothing new is begun, anywhere. */
export const stopRoutes: FastifyPluginAsyncZod<{ stop: StopButton }> = async (app, { stop }) => {
  app.post(
    '/stop',
    {
      config: { access: 'governor:stop' },
      schema: {
        tags: ['governor'],
        summary: 'Press the stop button: nothing new is begun; pressing it again changes nothing',
        body: Body,
        response: { 200: StopView, ...problems },
      },
    },
    async (request) => {
      const { userName: by, userId } = callerOf(request)
      const { why } = request.body
      const state = await stop.press({ by, userId, why })
      request.log.warn({ by, userId, why, since: state.at, first: state.by }, 'stop pressed')
      return { stopped: true, state }
    },
  )

  app.get(
    '/stop',
    {
      config: { access: 'governor:read' },
      schema: {
        tags: ['governor'],
        summary: 'Is the stop button pressed, by whom and why?',
        response: { 200: StopView, ...problems },
      },
    },
    async () => {
      const state = await stop.show()
      return { stopped: state !== undefined, ...(state && { state }) }
    },
  )

  app.post(
    '/resume',
    {
      config: { access: 'governor:resume' },
      schema: {
        tags: ['governor'],
        summary: 'Release the stop button; nothing changes when it is not pressed',
        body: Body,
        response: { 200: StopView, ...problems, 409: Problem },
      },
    },
    async (request) => {
      const { userName: by, userId } = callerOf(request)
      const { why } = request.body
      const state = await stop.resume({ by, userId, why })
      request.log.warn({ by, userId, why, wasPressed: state !== undefined }, 'resumed')
      return { stopped: false, ...(state && { state }) }
    },
  )
}
