import { z } from 'zod'
import { Incident } from '../../core/incident.ts'
import type { Person } from '../../demo/stage/people.ts'
import type { Entry, Journal } from './journal.ts'
import type { Random } from './random.ts'
import type { ChaosStage } from './stage.ts'

/** What the events share. */
export interface World {
  readonly stage: ChaosStage
  readonly journal: Journal
  readonly servers: Server[]
  /** Ids of actions alice scheduled. */
  readonly actions: string[]
  /** False while Steward is known to be away, because an event took it away. */
  isStewardThere: boolean
  /** In the end everything that is asked is answered with yes. */
  isCalming: boolean
}

export interface Server {
  readonly id: string
  readonly owner: 'alice' | 'olga'
  readonly vcpus: number
  deletedAt?: number
}

/** Something that goes wrong, or that people do. */
export interface EventKind {
  readonly name: string
  /** Events with a word in common do not happen at the same time. */
  readonly alone?: readonly ('steward' | 'bus' | 'stop' | 'delegation' | 'mode' | 'death' | 'heat')[]
  /** Draws all it leaves to chance at once, so that the seed decides the sequence whatever the system does. */
  deal(random: Random): Dealt
}

export interface Dealt {
  readonly details: object
  play(world: World): Promise<unknown>
}

/** A call of Steward's API by a person, written down with its answer; undefined when none came. */
export async function ask(
  { journal }: Pick<World, 'journal'>,
  person: Person,
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  json?: object,
): Promise<{ status: number; body: unknown; asked: Entry; at: number } | undefined> {
  const asked = { at: Date.now(), event: 'asks', by: person.name, method, path }
  try {
    const { status, body } = await person.steward(method, path, json)
    const code = (body as { code?: string } | undefined)?.code
    if (method !== 'GET')
      journal.write('asked', { by: person.name, method, path, askedAt: asked.at, status, ...(code && { code }) })
    else if (status >= 500) journal.write('asked', { by: person.name, method, path, status, ...(code && { code }) })
    return { status, body, asked, at: Date.now() }
  } catch (error) {
    if (method !== 'GET')
      journal.write('asked', { by: person.name, method, path, askedAt: asked.at, failed: String(error).slice(0, 120) })
    return undefined
  }
}

const Listed = z.object({ incidents: z.array(Incident) })

/** Incidents, newest first; undefined when Steward did not answer. */
export async function incidentsOf(world: World, query = ''): Promise<Incident[] | undefined> {
  const answer = await ask(world, world.stage.olga, 'GET', `/v1/incidents?limit=1000&${query}`)
  return answer?.status === 200 ? Listed.parse(answer.body).incidents : undefined
}

/** All that happened at hosts there are, and the newest of storms; undefined when Steward did not answer. */
export async function incidentsOfHosts(world: World): Promise<Incident[] | undefined> {
  const lists = await Promise.all(
    ['', ...world.stage.cloud.hosts.map(({ name }) => `host=${name}`)].map((query) => incidentsOf(world, query)),
  )
  if (lists.some((list) => list === undefined)) return undefined
  const byId = new Map(lists.flatMap((list) => (list ?? []).map((incident) => [incident.id, incident] as const)))
  return [...byId.values()]
}
