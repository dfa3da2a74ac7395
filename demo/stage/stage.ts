import { join } from 'node:path'
import { Incident } from '../../core/incident.ts'
import { findTemporalCli } from '../../temporal/cli-binary.ts'
import { type Cloud, cloudUp, type Host } from '../../test/cloud/cloud.ts'
import { type Alertmanager, startAlertmanager } from './alertmanager.ts'
import { eventually } from './eventually.ts'
import { clearLeftovers } from './leftovers.ts'
import { shipLogs } from './log-shipper.ts'
import { type Person, personOf } from './people.ts'
import { type Ports, portsOf } from './ports.ts'
import { type StewardProcess, startSteward } from './steward.ts'

/** A real cloud, a real Alertmanager and Steward, with the people who use them. */
export interface Stage {
  readonly cloud: Cloud
  readonly ports: Ports
  /** May be stopped and put in place again by who plays on the stage. */
  steward: StewardProcess
  readonly stewardDir: string
  readonly alertmanager: Alertmanager
  /** The operator. */
  readonly olga: Person
  /** Tenants of two projects. */
  readonly alice: Person
  readonly carol: Person
  /** The newest incident of a policy on a host, once there is one that opened after `sinceMs`. */
  incident(policy: string, host: string, sinceMs: number): Promise<Incident | undefined>
  uiLink(workflowId: string, runId: string): string
  strike(): Promise<void>
}

export interface StageOptions {
  /** Hosts of the cloud; three of different sizes when left out. */
  readonly hosts?: readonly Host[]
  /** Laid over the steward.yaml of the stage. */
  readonly config?: object | ((cloud: Cloud) => Promise<object>)
}

/** Sets the stage; what was set up before something failed is taken down again. */
export async function setStage(
  dir: string,
  basePort: number,
  progress: (line: string) => void,
  { hosts, config }: StageOptions = {},
): Promise<Stage> {
  const ports = portsOf(basePort)
  const strikes: (() => Promise<unknown>)[] = []
  let stage: Stage | undefined
  const strike = async () => {
    for (let last = strikes.pop(); last; last = strikes.pop()) await last()
  }
  try {
    await clearLeftovers(dir)
    progress('starting a real OpenStack …')
    const cloud = await cloudUp({
      dir: join(dir, 'cloud'),
      basePort: ports.cloud,
      onProgress: progress,
      ...(hosts && { hosts }),
    })
    strikes.push(() => cloud.down())
    // Steward finds it by itself; here it may take minutes, and whoever waits wants to know for what
    await findTemporalCli(progress)
    progress('starting Steward with its own Temporal …')
    const stewardDir = join(dir, 'steward')
    const over = typeof config === 'function' ? await config(cloud) : config
    const steward = await startSteward(cloud, stewardDir, ports, over)
    strikes.push(() => (stage?.steward ?? steward).stop())
    progress(`Steward is ready after ${(steward.readyAfterMs / 1000).toFixed(1)} s`)
    const alertmanager = await startAlertmanager(steward, join(dir, 'alertmanager'), ports, progress)
    strikes.push(alertmanager.stop)
    const computeLogs = Object.entries(cloud.logs).filter(([name]) => name.startsWith('nova-compute@'))
    const shipper = shipLogs(Object.fromEntries(computeLogs), steward.url, steward.tokens.logs)
    strikes.push(shipper.stop)
    const [olga, alice, carol] = await Promise.all([
      personOf(cloud, 'olga', steward.url),
      personOf(cloud, 'alice', steward.url),
      personOf(cloud, 'carol', steward.url),
    ])

    progress('olga, an operator, delegates her rights to Steward (`steward delegate`) …')
    const { status, body } = await olga.steward('PUT', '/v1/delegations/remediation', { expiresIn: 'P1D' })
    if (status !== 200) throw new Error(`delegating failed: ${JSON.stringify(body)}`)

    const incident: Stage['incident'] = async (policy, host, sinceMs) => {
      const { body } = await olga.steward('GET', `/v1/incidents?policy=${policy}&host=${host}`)
      return Incident.array()
        .parse((body as { incidents: unknown }).incidents)
        .find((i) => i.policy === policy && i.host === host && Date.parse(i.openedAt) >= sinceMs)
    }
    const uiLink: Stage['uiLink'] = (workflowId, runId) =>
      `${steward.uiUrl}/namespaces/default/workflows/${encodeURIComponent(workflowId)}/${runId}/history`
    stage = { cloud, ports, steward, stewardDir, alertmanager, olga, alice, carol, incident, uiLink, strike }
    return stage
  } catch (error) {
    await strike()
    throw error
  }
}

/** Follows an incident until it ends or asks people, telling each new line of its time line. */
export async function followIncident(
  stage: Stage,
  { policy, host, sinceMs }: { policy: string; host: string; sinceMs: number },
  tell: (line: string) => void,
): Promise<Incident> {
  let told = 0
  return eventually(
    `the end of an incident of ${policy} on ${host}`,
    async () => {
      const incident = await stage.incident(policy, host, sinceMs)
      for (const { at, text } of incident?.timeline.slice(told) ?? []) {
        tell(`${((Date.parse(at) - sinceMs) / 1000).toFixed(1).padStart(6)} s  ${text}`)
        told++
      }
      // one that asks people stays open until its signal clears
      return incident?.endedAt || incident?.state === 'escalated' ? incident : undefined
    },
    { withinMs: 300_000, everyMs: 500 },
  )
}
