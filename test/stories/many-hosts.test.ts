import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll } from 'vitest'
import { type Stage, setStage } from '../../demo/stage/stage.ts'
import { governor } from '../../demo/stage/steward.ts'
import type { Cloud } from '../cloud/cloud.ts'
import { fakeRedfish } from '../fakes/bmc/redfish.ts'
import { fakePrometheus } from '../fakes/prometheus.ts'
import { closedPort } from '../openstack/server.ts'
import { plans } from './plans.ts'
import { runbooks } from './runbooks.ts'

const basePort = Number(process.env.MANY_HOSTS_BASE_PORT ?? 25100)
const dir = fileURLToPath(new URL('../../.cloud/many-hosts', import.meta.url))
const hosts = [1, 2, 3, 4, 5, 6].map((n) => ({ name: `compute${n}`, vcpus: 8, memoryMiB: 8192, diskGiB: 100 }))

/** Real CPUs of made-up servers are idle: what they use is said to the planner the way an exporter says it. */
const use = await fakePrometheus()
const unknown = { memoryUsedMiB: false, networkMbps: false, diskIops: false }

/** The BMC of the host that gets lost: only it can tell that the host is off. */
const bmc = await fakeRedfish()

/**
 * One operator plays all parts here, and plans of the stage touch all of its hosts. No incident is in the way of runbooks
 * that are started by hand; on the host that gets lost nothing answers by SSH.
 */
const config = async ({ dir: cloudDir, ssh }: Cloud) => {
  const passwordFile = join(cloudDir, 'bmc.password')
  await writeFile(passwordFile, bmc.password, { mode: 0o600 })
  const silentPort = await closedPort()
  const reached = (n: number) => {
    const [restart, show] = ['restart', 'show'].map((verb) => [verb, `nova-compute-${n}`])
    const port = n === 6 ? silentPort : ssh.port
    return { address: ssh.host, port, services: { 'nova-compute': { restart, show } } }
  }
  return {
    prometheus: { url: use.url, queries: unknown },
    governor: { ...governor, approval: { ownPlans: true, twoPersonsFromHosts: 20 } },
    policies: [],
    ssh: {
      ...{ user: ssh.user, keyFile: ssh.keyFile, knownHostsFile: ssh.knownHostsFile },
      hosts: Object.fromEntries(hosts.map(({ name }, at) => [name, reached(at + 1)])),
    },
    power: { hosts: { compute6: { redfish: { url: bmc.url, user: bmc.user, passwordFile } } } },
  }
}

let stage: Stage
beforeAll(async () => {
  stage = await setStage(dir, basePort, (line) => process.stdout.write(`${line}\n`), { hosts, config })
})
afterAll(async () => {
  await stage?.strike()
  await use.close()
  await bmc.close()
  await rm(dir, { recursive: true, force: true })
})

plans(() => stage, use)
runbooks(() => stage, bmc, use)
