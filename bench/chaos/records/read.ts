import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import got from 'got'
import { parse } from 'yaml'
import { z } from 'zod'
import { ActionView } from '../../../core/action.ts'
import { GovernorConfig } from '../../../core/governor.ts'
import { microversion } from '../../../demo/stage/people.ts'
import type { Sample } from '../background.ts'
import { incidentsOfHosts, type World } from '../world.ts'
import { readApiLog } from './api-log.ts'
import { readAudit } from './audit.ts'
import { effectsOf, type InstanceAction, type Migration } from './effects.ts'
import type { Records } from './records.ts'
import { readSupervisorLog } from './supervisor-log.ts'

/** Collects all records once everything is at rest. */
export async function readRecords(
  world: World,
  samples: readonly Sample[],
  restless: readonly string[],
): Promise<Records> {
  const { stage, journal } = world
  const [migrations, instanceActions, incidents, actions, audit, incidentWorkflows] = await Promise.all([
    readMigrations(world),
    readInstanceActions(world),
    incidentsOfHosts(world),
    readActions(world),
    readAuditLines(world),
    listIncidentWorkflows(world),
  ])
  if (!incidents) throw new Error('Steward does not tell its incidents')
  const calls = readApiLog(await readFile(stage.cloud.logs['nova-api'] as string, 'utf8'))
  const starts = readSupervisorLog(await readFile(join(stage.cloud.dir, 'log', 'supervisord.log'), 'utf8'))
  const config = parse(await readFile(stage.steward.configFile, 'utf8')) as { governor?: unknown }
  const userIdOf = async (who: 'olga' | 'admin' | 'alice') => (await stage[who].session.token()).userId
  return {
    governor: GovernorConfig.parse(config.governor ?? {}),
    journal: journal.entries,
    samples,
    deliveries: stage.deliveries.all,
    audit: readAudit(audit),
    incidents,
    actions,
    effects: effectsOf({ calls, actions: instanceActions, migrations, starts, journal: journal.entries }),
    migrations,
    incidentWorkflows,
    userIds: { olga: await userIdOf('olga'), admin: await userIdOf('admin'), alice: await userIdOf('alice') },
    restless,
  }
}

const novaTime = (text: string | null) => (text === null ? 0 : Date.parse(`${text}Z`))

const Migrations = z.object({
  migrations: z.array(
    z.object({
      uuid: z.string(),
      instance_uuid: z.string(),
      source_compute: z.string().nullable(),
      dest_compute: z.string().nullable(),
      status: z.string(),
      created_at: z.string(),
      updated_at: z.string().nullable(),
    }),
  ),
})

async function readMigrations({ stage }: World): Promise<Migration[]> {
  const nova = stage.olga.session.service('compute', { microversion })
  const { migrations } = await nova.get('/os-migrations', Migrations)
  return migrations.map((m) => ({
    uuid: m.uuid,
    serverId: m.instance_uuid,
    from: m.source_compute ?? '',
    to: m.dest_compute ?? '',
    status: m.status,
    createdAt: novaTime(m.created_at),
    updatedAt: novaTime(m.updated_at),
  }))
}

const InstanceActions = z.object({
  instanceActions: z.array(
    z.object({
      action: z.string(),
      instance_uuid: z.string(),
      request_id: z.string(),
      user_id: z.string(),
      start_time: z.string(),
      updated_at: z.string(),
    }),
  ),
})

async function readInstanceActions({ stage, servers }: World): Promise<InstanceAction[]> {
  const nova = stage.olga.session.service('compute', { microversion })
  const all: InstanceAction[] = []
  for (const { id } of servers) {
    const { instanceActions } = await nova
      .get(`/servers/${id}/os-instance-actions`, InstanceActions)
      // one that was deleted before it was built has no record
      .catch(() => ({ instanceActions: [] }))
    for (const a of instanceActions)
      all.push({
        serverId: a.instance_uuid,
        action: a.action,
        requestId: a.request_id,
        userId: a.user_id,
        startedAt: novaTime(a.start_time),
        updatedAt: novaTime(a.updated_at),
      })
  }
  return all
}

async function readActions({ stage, actions }: World): Promise<ActionView[]> {
  const all: ActionView[] = []
  for (const id of actions) all.push(ActionView.parse((await stage.alice.steward('GET', `/v1/actions/${id}`)).body))
  return all
}

/** All pages of the audit, one line an event. */
async function readAuditLines({ stage }: World): Promise<string[]> {
  const lines: string[] = []
  for (let cursor: string | undefined; ; ) {
    const query = new URLSearchParams({ limit: '50000', ...(cursor && { after: cursor }) })
    const { statusCode, body } = await got(`${stage.steward.url}/v1/audit?${query}`, {
      headers: { 'x-auth-token': await stage.olga.token() },
      throwHttpErrors: false,
      timeout: { request: 120_000 },
    })
    // an error of got would show the token
    if (statusCode !== 200) throw new Error(`the audit answered ${statusCode}: ${body.slice(0, 300)}`)
    const page = body.split('\n').filter(Boolean)
    const last = JSON.parse(page.at(-1) ?? '{}') as { next?: string }
    lines.push(...page.filter((line) => !('next' in (JSON.parse(line) as object))))
    if (!last.next) return lines
    cursor = last.next
  }
}

const Page = z.object({
  executions: z.array(z.object({ execution: z.object({ workflowId: z.string() }) })).default([]),
  nextPageToken: z.string().nullish(),
})

/** By the engine's own list, not by Steward's. */
async function listIncidentWorkflows({ stage }: World): Promise<string[]> {
  const ids: string[] = []
  for (let token = ''; ; ) {
    const query = new URLSearchParams({
      query: "StewardKind='incident' AND ExecutionStatus != 'ContinuedAsNew'",
      pageSize: '1000',
      ...(token && { nextPageToken: token }),
    })
    const page = Page.parse(await got(`${stage.steward.uiUrl}/api/v1/namespaces/default/workflows?${query}`).json())
    ids.push(...page.executions.map(({ execution }) => execution.workflowId))
    if (!page.nextPageToken) return ids
    token = page.nextPageToken
  }
}
