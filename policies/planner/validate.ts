import { failure } from '../../core/errors.ts'
import type { Model, ModelHost, PlanOptions } from './model.ts'

/**
 * Refuses a model that contradicts itself: nothing planned on it could be trusted.
 *
 * @throws INPUT_INVALID naming what is wrong
 */
export function assertConsistent(model: Model): void {
  const hosts = new Map(model.hosts.map((host) => [host.name, host]))
  const ids = new Set(model.servers.map(({ id }) => id))
  const groups = new Set(model.groups.map(({ id }) => id))
  const wrong: string[] = []
  if (hosts.size < model.hosts.length) wrong.push(`host ${twice(model.hosts.map(({ name }) => name))} is listed twice`)
  if (ids.size < model.servers.length) wrong.push(`server ${twice(model.servers.map(({ id }) => id))} is listed twice`)
  if (groups.size < model.groups.length) wrong.push(`group ${twice(model.groups.map(({ id }) => id))} is listed twice`)
  const zones = new Set(model.hosts.map(({ zone }) => zone))
  for (const { id, host, requestedZone } of model.servers) {
    if (!hosts.has(host)) wrong.push(`server ${id} is on host ${host}, which is not in the model`)
    if (requestedZone !== undefined && !zones.has(requestedZone))
      wrong.push(`server ${id} has to stay in zone ${requestedZone}, where no host is`)
  }
  for (const { id, members } of model.groups) {
    for (const member of members)
      if (!ids.has(member)) wrong.push(`group ${id} has member ${member}, which is not in the model`)
    if (new Set(members).size < members.length) wrong.push(`group ${id} lists member ${twice(members)} twice`)
  }
  if (wrong.length === 0) wrong.push(...overfull(model, hosts))
  if (wrong.length > 0) throw invalid(wrong)
}

/** @throws INPUT_INVALID naming what is wrong */
export function assertOptions(
  model: Model,
  { drain, weights = {}, cold: _cold, ...limits }: PlanOptions,
  goal: string,
): void {
  const wrong: string[] = []
  const names = new Set(model.hosts.map(({ name }) => name))
  if (goal === 'drain' && (drain ?? []).length === 0) wrong.push('drain: no host is named')
  if (goal !== 'drain' && drain !== undefined) wrong.push(`drain: hosts are named, but the goal is ${goal}`)
  for (const name of drain ?? []) if (!names.has(name)) wrong.push(`drain: host ${name} is not in the model`)
  const atLeast = (field: keyof typeof limits, least: number, whole = true) => {
    const given = limits[field]
    if (given !== undefined && !(Number.isFinite(given) && given >= least && (!whole || Number.isInteger(given))))
      wrong.push(`${field}: ${given} is not a ${whole ? 'whole ' : ''}number from ${least} on`)
  }
  atLeast('maxMoves', 0)
  atLeast('maxHosts', 0)
  atLeast('outgoingPerHost', 1)
  atLeast('targetDeviation', 0, false)
  atLeast('maxCpuPercent', 1, false)
  atLeast('noisyPercent', 0, false)
  atLeast('busyPercent', 0, false)
  const given = Object.entries(weights)
  for (const [name, weight] of given)
    if (!(Number.isFinite(weight) && weight >= 0)) wrong.push(`weights.${name}: ${weight} is not a number from 0 on`)
  if (given.length > 0 && given.every(([, weight]) => weight === 0)) wrong.push('weights: all of them are 0')
  if (wrong.length > 0) throw invalid(wrong)
}

/** Hosts whose servers use more than there is. */
function overfull({ servers }: Model, hosts: ReadonlyMap<string, ModelHost>): string[] {
  const used = new Map<string, { vcpu: number; memoryMiB: number; diskGiB: number }>()
  for (const { host, uses } of servers) {
    const sum = used.get(host) ?? { vcpu: 0, memoryMiB: 0, diskGiB: 0 }
    sum.vcpu += uses.vcpu
    sum.memoryMiB += uses.memoryMiB
    sum.diskGiB += uses.diskGiB
    used.set(host, sum)
  }
  return [...used].flatMap(([name, sum]) => {
    const { capacity } = hosts.get(name)!
    return (['vcpu', 'memoryMiB', 'diskGiB'] as const).flatMap((kind) =>
      sum[kind] > capacity[kind] + 1e-6
        ? [`host ${name} has negative free ${kind}: its servers use ${sum[kind]} of ${capacity[kind]}`]
        : [],
    )
  })
}

function twice(names: readonly string[]): string | undefined {
  const seen = new Set<string>()
  return names.find((name) => seen.size === seen.add(name).size)
}

function invalid(wrong: readonly string[]) {
  const more = wrong.length > wrongShown ? `; and ${wrong.length - wrongShown} more` : ''
  return failure('INPUT_INVALID', `${wrong.slice(0, wrongShown).join('; ')}${more}`, {
    issues: wrong.slice(0, wrongKept),
  })
}

const wrongShown = 5
const wrongKept = 100
