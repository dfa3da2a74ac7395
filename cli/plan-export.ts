import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { type Command, InvalidArgumentError } from 'commander'
import { z } from 'zod'
import { readCloudModel } from '../activities/cloud-model.ts'
import { failure } from '../core/errors.ts'
import { loadCloud } from '../openstack/clouds-yaml.ts'
import { createHttp } from '../openstack/http.ts'
import { createKeystone } from '../openstack/keystone.ts'
import { createSession } from '../openstack/session.ts'
import type { Usage } from '../policies/planner/cloud-reading.ts'
import type { ModelFile } from '../policies/planner/model-file.ts'
import type { GlobalOptions } from './api-client.ts'
import { readJson } from './json-file.ts'

interface ExportOptions {
  usage?: string
  within?: number
}

/** plan export: writes the live cloud into a model file, with the caller's own rights; reads only. */
export function addPlanExport(plan: Command): void {
  plan
    .command('export [file]')
    .description('writes the cloud you are logged in to as a model file (default: to standard output); reads only')
    .option('--usage <file>', 'measured use: a JSON object of server ids')
    .option('--within <seconds>', 'refuse a picture that took longer (default: 120)', whole)
    .action(async (file: string | undefined, given: ExportOptions, command: Command) => {
      const model = await readLiveCloud(command.optsWithGlobals<GlobalOptions>().osCloud, given)
      const text = `${JSON.stringify(model, null, 1)}\n`
      if (file === undefined) process.stdout.write(text)
      else await writeFile(file, text, { mode: 0o600 })
      for (const { where, says } of model.notes ?? []) process.stderr.write(`${where}: ${says}\n`)
    })
}

/** Logs in with the caller's own credentials and asks Nova and Placement directly: Steward has no part in it. */
async function readLiveCloud(osCloud: string | undefined, given: ExportOptions): Promise<ModelFile> {
  const measured = given.usage === undefined ? undefined : readUsage(await readJson(given.usage))
  const cloud = await loadCloud(osCloud)
  const http = createHttp({ tls: cloud.tls })
  const keystone = createKeystone({ authUrl: cloud.authUrl, http })
  const { scope, region, interface: face, auth: login } = cloud
  return readCloudModel(createSession({ keystone, http, login, scope, region, interface: face }), {
    requestId: `req-${randomUUID()}`,
    ...measured,
    ...(given.within !== undefined && { maxTakingMs: given.within * 1000 }),
  })
}

const UsageFile = z.record(
  z.string(),
  z.object({
    cpu_util_pct: z.number().min(0),
    cpu_util_day_pct: z.number().min(0).optional(),
    mem_used_mib: z.number().min(0).optional(),
    mem_dirty_mib_s: z.number().min(0).optional(),
    net_mbps: z.number().min(0).optional(),
    disk_iops: z.number().min(0).optional(),
  }),
)

function readUsage(content: unknown): { usage: Map<string, Usage>; ofDay?: Map<string, number> } {
  const parsed = UsageFile.safeParse(content)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw failure('INPUT_INVALID', `usage: ${issue?.path.join('.') || 'the file'}: ${issue?.message}`)
  }
  const rows = Object.entries(parsed.data)
  const ofDay = new Map(
    rows.flatMap(([id, { cpu_util_day_pct: percent }]) => (percent === undefined ? [] : [[id, percent]])),
  )
  const usage = new Map(
    rows.map(([id, row]) => {
      const { mem_used_mib, mem_dirty_mib_s, net_mbps, disk_iops } = row
      return [
        id,
        {
          cpuPercentOfOwn: row.cpu_util_pct,
          ...(mem_used_mib !== undefined && { memoryUsedMiB: mem_used_mib }),
          ...(mem_dirty_mib_s !== undefined && { dirtyMiBps: mem_dirty_mib_s }),
          ...(net_mbps !== undefined && { networkMbps: net_mbps }),
          ...(disk_iops !== undefined && { diskIops: disk_iops }),
        },
      ]
    }),
  )
  return { usage, ...(ofDay.size > 0 && { ofDay }) }
}

function whole(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('It has to be a whole number.')
  return Number(text)
}
