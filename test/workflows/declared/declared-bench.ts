import { randomUUID } from 'node:crypto'
import type { LeaseGrounds } from '../../../core/governor.ts'
import type { RunOrder } from '../../../core/runbook.ts'
import { compileDeclared } from '../../../policies/declared/compile.ts'
import { run } from '../../../workflows/run.ts'
import type { RunView } from '../../../workflows/sdk/record.ts'
import { type Bench, viewOf } from '../engine.ts'
import type { Script } from '../scripted.ts'

export const servers = [randomUUID(), randomUUID(), randomUUID()] as const
export const accepted = { status: 202, startedAt: '2026-11-21T00:00:00.000Z' } as const
const grounds: LeaseGrounds = { requester: 'person', by: 'olga', why: 'maintenance', waitSeconds: 60 }

const head = `name: by-hand
title: By hand
description: Made for a test.
risk: destructive
input: { servers: { type: list, of: uuid, default: [] }, count: { type: integer, default: 2 } }
targets: '["server/${servers[0]}", "server/${servers[1]}", "server/${servers[2]}"]'
`

/** A document of these steps, on three servers; lines of `more` take the place of lines of its head. */
export function documentOf(steps: string, more = '') {
  const keys = [...more.matchAll(/^(\w+):/gm)].map(([, key]) => key)
  const kept = head.split('\n').filter((line) => !keys.includes(line.split(':', 1)[0]))
  const compiled = compileDeclared(`${kept.join('\n')}${more}\nsteps:\n${steps}`, 'by-hand.yaml')
  if ('problems' in compiled) throw new Error(compiled.problems.map(({ text }) => text).join('\n'))
  return compiled.runbook
}

/** Begins a run of steps, under a world with these answers. */
export const beginWith =
  (bench: Bench) =>
  async (script: Script, steps: string, { more, ...order }: Partial<RunOrder> & { more?: string } = {}) => {
    const cloud = bench.cloud(script)
    const document = documentOf(steps, more)
    const input = { servers: [...servers] }
    const handle = await bench.client.workflow.start(run, {
      workflowId: `run-${cloud.host}`,
      taskQueue: bench.taskQueue,
      args: [{ runbook: document.name, document, input, dryRun: false, by: 'olga', why: 'test', ...order }, grounds],
    })
    return { cloud, handle, view: () => viewOf<RunView>(handle) }
  }
