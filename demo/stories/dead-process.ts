import { listServices } from '../stage/services.ts'
import { followIncident } from '../stage/stage.ts'
import { expectThat, type Story } from './story.ts'

const n = 2
const host = 'compute2'

/** A nova-compute is killed; Steward sees it, makes sure, restarts it over SSH and sees it stay up. */
export const deadProcess: Story = {
  title: 'A dead process is brought back',
  async play(stage, tell) {
    const sinceMs = Date.now()
    tell(`kill -9 of nova-compute on ${host}`)
    await stage.cloud.killCompute(n)
    const incident = await followIncident(stage, { policy: 'nova-compute-down', host, sinceMs }, tell)
    expectThat(incident.state === 'closed', `the incident is ${incident.state}: ${incident.reason?.detail}`)
    const [run] = incident.runs
    expectThat(run && incident.runs.length === 1, `there were ${incident.runs.length} runs instead of one`)
    const services = await listServices(stage.olga)
    const service = services.find((s) => s.host === host && s.binary === 'nova-compute')
    expectThat(service?.state === 'up', `Nova says that nova-compute on ${host} is ${service?.state}`)
    return { workflowId: run.workflowId, runId: run.runId, outcome: run.detail ?? '' }
  },
}
