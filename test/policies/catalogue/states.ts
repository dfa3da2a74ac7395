import { id } from './examples.ts'

export const server = (status: string, task: string | null = null, more: object = {}) => ({
  server: { status, 'OS-EXT-STS:task_state': task, ...more },
})
export const flavor = (name: string) => ({ flavor: { id: name } })
export const volume = (status: string, more: object = {}) => ({ volume: { status, attachments: [], ...more } })
export const attached = { attachments: [{ server_id: id.server }] }
export const stack = (stack_status: string) => ({ stack: { stack_status } })
export const power = (
  power_state: string,
  target_power_state: string | null = null,
  last_error: string | null = null,
) => ({
  power_state,
  target_power_state,
  last_error,
})
export const provision = (provision_state: string, target_provision_state: string | null = null) => ({
  provision_state,
  target_provision_state,
})
export const gone = 404

export type Answer = object | typeof gone
export const seenIn = (answer: Answer) => (answer === gone ? { status: gone } : { status: 200, body: answer })
