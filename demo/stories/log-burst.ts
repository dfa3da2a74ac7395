import { untilCalm } from '../stage/calm.ts'
import { eventually } from '../stage/eventually.ts'
import { followIncident } from '../stage/stage.ts'
import { expectThat, type Story } from './story.ts'

/** RabbitMQ goes away, every nova-compute floods its log; Steward keeps the evidence and waits until it is quiet. */
export const logBurst: Story = {
  title: 'A burst of errors is answered',
  async play(stage, tell) {
    const hosts = stage.cloud.hosts.map(({ name }) => name)
    const sinceMs = Date.now()
    tell('stopping RabbitMQ')
    await stage.cloud.stopProgram('rabbitmq')
    let isDown = true
    try {
      await eventually('an incident on every host', async () => {
        const found = await Promise.all(hosts.map((host) => stage.incident('nova-compute-errors', host, sinceMs)))
        return found.every(Boolean)
      })
      tell(`the logs of ${hosts.join(', ')} are full of errors: one incident each`)
      tell('starting RabbitMQ again')
      await stage.cloud.startProgram('rabbitmq')
      isDown = false
    } finally {
      if (isDown) await stage.cloud.startProgram('rabbitmq')
    }
    const host = hosts[0] ?? ''
    const incident = await followIncident(stage, { policy: 'nova-compute-errors', host, sinceMs }, tell)
    const others = await Promise.all(
      hosts
        .slice(1)
        .map((name) => followIncident(stage, { policy: 'nova-compute-errors', host: name, sinceMs }, () => undefined)),
    )
    for (const { state, host, reason } of [incident, ...others])
      expectThat(state === 'closed', `the incident on ${host} is ${state}: ${reason?.detail}`)
    await untilCalm(stage)
    const restarted = await Promise.all(hosts.map((name) => stage.incident('nova-compute-down', name, sinceMs)))
    // one that began and saw in time that all hosts look down is not rash
    const rash = restarted.find((found) => found?.runs.some(({ outcome }) => outcome !== 'stopped'))
    expectThat(!rash, `nova-compute on ${rash?.host} was restarted although RabbitMQ was the trouble`)
    const [run] = incident.runs
    expectThat(run, 'no evidence was collected')
    return {
      workflowId: run.workflowId,
      runId: run.runId,
      outcome: `${run.detail}; ${hosts.length} incidents, one a host`,
    }
  },
}
