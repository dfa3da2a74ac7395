import { z } from 'zod'

/** One OpenStack call as data: never code, never an absolute URL. */
export const Call = z.strictObject({
  service: z
    .string()
    .regex(/^[a-z][a-z0-9-]{1,62}$/)
    .describe('service type of the Keystone catalogue, such as `compute`'),
  method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']),
  path: z.string().min(1).max(1024).describe('path below the endpoint, such as `/servers/{id}/action`'),
  body: z.record(z.string(), z.json()).optional().describe('JSON body; never put a secret into it'),
  microversion: z
    .string()
    .regex(/^\d{1,3}\.\d{1,3}$/)
    .optional()
    .describe('microversion of the call, such as `2.96`; the service decides when left out'),
})
export type Call = z.infer<typeof Call>
