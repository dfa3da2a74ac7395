import type { Scenario } from './scenario.ts'

/** What cannot be repeated and not be looked for. */
export const scenario: Scenario = {
  input: { method: 'POST', url: 'https://tickets.example.com/v1/tickets', body: { title: 'disk' } },
  world: (did) => ({
    activities: {
      checkHttpCall: async () => ({ host: 'tickets.example.com', addresses: ['93.184.215.14'] }),
      async callHttp({ method, url }) {
        did(`${method} ${url}`)
        return { status: 201 }
      },
    },
    left: () => [],
  }),
}
