import { z } from 'zod'
import type { Page } from '../temporal/page.ts'

/** How a client asks for one page of a list. */
export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(1000).default(100).describe('most items of a page'),
  page: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,2000}$/)
    .optional()
    .describe('`nextPage` of the page before'),
} as const

/** Beside the items of a page. */
export const nextPage = {
  nextPage: z.string().optional().describe('ask for it as `page`; missing on the last page'),
} as const

export const nextOf = ({ nextPage: next }: Page<unknown>) => (next === undefined ? {} : { nextPage: next })
