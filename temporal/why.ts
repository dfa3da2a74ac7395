import { type Client, WorkflowNotFoundError } from '@temporalio/client'
import { ActionView } from '../core/action.ts'
import { codeOf, failure } from '../core/errors.ts'
import type { GovernorConfig } from '../core/governor.ts'
import type { Incident } from '../core/incident.ts'
import type { Run } from '../core/runbook.ts'
import { type About, partsOf, type Why } from '../core/why.ts'
import { why } from '../policies/why.ts'
import type { Governor } from './governor.ts'
import { throughEngine } from './reach.ts'
import { findIncidents } from './report.ts'
import type { Runs } from './runs.ts'
import type { StopButton } from './stop.ts'

/** Answers "why did it act, or not?". */
export interface WhyDesk {
  /**
   * Looks at incidents, governor and stop button; changes nothing. With a project only its own actions are known.
   * @throws INCIDENT_NOT_FOUND, ACTION_NOT_FOUND, ENGINE_UNREACHABLE
   */
  ask(about: About, projectId?: string): Promise<Why>
}

export interface WhyDeskOptions {
  client: Client
  governor: Pick<Governor, 'state'>
  stop: Pick<StopButton, 'show'>
  runs: Pick<Runs, 'show'>
  config: GovernorConfig
  now?: () => number
}

const mostIncidents = 50

const bare = (workflowId: string) => workflowId.replace(/^run\//, '')

export function createWhyDesk({ client, governor, stop, runs, config, now = Date.now }: WhyDeskOptions): WhyDesk {
  async function actionOf(id: string, projectId: string | undefined): Promise<ActionView> {
    try {
      const { memo } = await throughEngine(client, () => client.workflow.getHandle(`action/${id}`).describe())
      const view = ActionView.parse(memo?.view)
      if (projectId === undefined || view.projectId === projectId) return view
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error
    }
    throw failure('ACTION_NOT_FOUND', `${projectId === undefined ? 'there is' : 'this project has'} no action ${id}`)
  }

  async function incidentsAbout(about: About): Promise<Incident[]> {
    const { kind, name } = partsOf(about)
    const quoted = `'${name.replaceAll("'", "''")}'`
    if (kind === 'incident') {
      const { incidents } = await findIncidents(client, `StewardIncidentRunId = ${quoted} OR RunId = ${quoted}`, 1)
      if (incidents.length > 0) return incidents
      throw failure('INCIDENT_NOT_FOUND', `there is no incident ${name}`)
    }
    if (kind === 'host') return (await findIncidents(client, `StewardTarget = ${quoted}`, mostIncidents)).incidents
    if (kind === 'alert') return (await findIncidents(client, `StewardAlertKeys = ${quoted}`, mostIncidents)).incidents
    if (kind === 'run') return incidentsOfRun(name)
    return []
  }

  async function incidentsOfRun(workflowId: string): Promise<Incident[]> {
    // run/<runbook>/<host>[/<service>]; the prefix may be left out
    const [, host = ''] = bare(workflowId).split('/')
    const about = await incidentsAbout(`host/${host}`)
    return about.filter(({ runs }) =>
      runs.some((run) => run.workflowId.replace(/^run\//, '') === workflowId.replace(/^run\//, '')),
    )
  }

  /** One that somebody began by hand, by the id that people know it by. */
  async function begunByHand(name: string): Promise<Run | undefined> {
    try {
      const run = await runs.show(bare(name).replace(/^by-hand\//, ''))
      return run.workflowId.startsWith('run/by-hand/') ? run : undefined
    } catch (error) {
      if (codeOf(error) === 'RUN_NOT_FOUND') return undefined
      throw error
    }
  }

  /** The question is asked when things go wrong: an answer without the governor is better than none. */
  async function governorState() {
    try {
      return { state: await governor.state() }
    } catch (error) {
      if (codeOf(error) !== undefined) return {}
      throw error
    }
  }

  return {
    async ask(about, projectId) {
      const { kind, name } = partsOf(about)
      const action = kind === 'action' ? await actionOf(name, projectId) : undefined
      const run = kind === 'run' ? await begunByHand(name) : undefined
      const [incidents, known, pressed] = await Promise.all([incidentsAbout(about), governorState(), stop.show()])
      return why({
        about,
        incidents,
        governor: config,
        nowMs: now(),
        ...known,
        ...(action && { action }),
        ...(run && { run }),
        ...(pressed && { stop: pressed }),
        ...(projectId !== undefined && { forTenant: true }),
      })
    },
  }
}
