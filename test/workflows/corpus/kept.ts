import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync, gzipSync } from 'node:zlib'
import type { Runbook } from '../../../workflows/sdk/definition.ts'

/** What a run can come to: `refused` failed before it changed anything, `stopped` was ended by somebody's will. */
export const outcomes = ['succeeded', 'dry-run', 'refused', 'failed', 'stopped', 'cancelled'] as const
export type Outcome = (typeof outcomes)[number]

/** The history of one run as a former version has written it; not encrypted. */
export interface FrozenHistory {
  readonly outcome: Outcome
  /** What was done to the run, in words. */
  readonly how: string
  readonly frozenAt: string
  readonly events: readonly object[]
}

/** Of these what goes wrong stands in the result; nobody's failure is theirs. */
const neverFail = new Set(['ask-person', 'night-off', 'morning-on', 'restart-tier'])

/** What runs of a runbook can come to: one that only reads holds no lease that could be refused. */
export const outcomesOf = ({ risk, name }: Pick<Runbook, 'risk' | 'name'>): Outcome[] =>
  outcomes.filter((outcome) => {
    if (outcome === 'failed') return !neverFail.has(name)
    if (outcome === 'stopped') return name === 'ask-person' || risk !== 'read'
    return true
  })

/** Those of which nothing is kept. */
export const missingOf = (runbook: Runbook, kept: readonly FrozenHistory[]): Outcome[] =>
  outcomesOf(runbook).filter((outcome) => !kept.some((one) => one.outcome === outcome))

/** All of them, a file for each runbook. */
export const histories: string = fileURLToPath(new URL('histories', import.meta.url))
export const fileOf = (runbook: string): string => join(histories, `${runbook}.json.gz`)

/** Oldest first. */
export async function keptOf(runbook: string): Promise<FrozenHistory[]> {
  if (!existsSync(fileOf(runbook))) return []
  return JSON.parse(gunzipSync(await readFile(fileOf(runbook))).toString()) as FrozenHistory[]
}

/** Those that are kept stay as they are; what is new comes after them. */
export async function addKept(runbook: string, fresh: readonly FrozenHistory[]): Promise<void> {
  const all = [...(await keptOf(runbook)), ...fresh]
  await writeFile(fileOf(runbook), gzipSync(JSON.stringify(all), { level: 9 }))
}
