import { z } from 'zod'
import type { ProcessStatus } from '../../core/activities.ts'
import type { KubernetesService } from '../../core/ssh.ts'
import { parseJson } from './json.ts'
import type { Reading, Said, Supervisor } from './supervisor.ts'

const count = z.int().default(0)

const Workload = z.object({
  metadata: z.object({ generation: count }),
  spec: z.object({
    replicas: z.int().default(1),
    template: z.object({ metadata: z.object({ annotations: z.record(z.string(), z.string()).default({}) }) }),
  }),
  status: z.object({
    observedGeneration: count,
    replicas: count,
    updatedReplicas: count,
    readyReplicas: count,
    conditions: z.array(z.object({ type: z.string(), status: z.string(), reason: z.string().optional() })).default([]),
  }),
})

const Pods = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ uid: z.string(), deletionTimestamp: z.string().optional() }),
      status: z.object({
        phase: z.string(),
        containerStatuses: z.array(z.object({ ready: z.boolean(), restartCount: z.int() })).default([]),
      }),
    }),
  ),
})

const restartedAt = 'kubectl.kubernetes.io/restartedAt'

/**
 * Workloads of Kubernetes. A deployment or stateful set is rolled out anew. A daemon set is not, because that would
 * restart it on all nodes at once: the pod on the one node is deleted, and comes back.
 */
export function kubernetes(service: KubernetesService, host: string): Supervisor {
  const kubectl = ['kubectl', `--namespace=${service.namespace}`]
  if (service.kind === 'daemonset') {
    const pods = [`--selector=${service.selector}`, `--field-selector=spec.nodeName=${service.node ?? host}`]
    return {
      look: [...kubectl, 'get', 'pods', ...pods, '--output=json'],
      restart: [...kubectl, 'delete', 'pods', ...pods, '--wait=false'],
      read: readPods,
    }
  }
  const workload = `${service.kind}/${service.name}`
  return {
    look: [...kubectl, 'get', workload, '--output=json'],
    restart: [...kubectl, 'rollout', 'restart', workload],
    read: readWorkload,
  }
}

const isMissing = (stderr: string) => /\(NotFound\)/.test(stderr)

function readWorkload({ exitCode, stdout, stderr }: Said): Reading {
  if (exitCode !== 0) return isMissing(stderr) ? 'no such service' : undefined
  const { data } = Workload.safeParse(parseJson(stdout))
  if (!data) return undefined
  const { metadata, spec, status } = data
  const isSettled =
    status.observedGeneration >= metadata.generation &&
    status.updatedReplicas === spec.replicas &&
    status.readyReplicas === spec.replicas &&
    status.replicas === spec.replicas
  const hasGivenUp = status.conditions.some(({ reason }) => reason === 'ProgressDeadlineExceeded')
  const state = spec.replicas === 0 ? 'stopped' : isSettled ? 'running' : hasGivenUp ? 'failed' : 'changing'
  return { pid: 0, state, instance: spec.template.metadata.annotations[restartedAt] ?? 'never restarted' }
}

/** A container that crashes is started again in the same pod, and counted. */
function readPods({ exitCode, stdout, stderr }: Said): Reading {
  if (exitCode !== 0) return isMissing(stderr) ? 'no such service' : undefined
  const { data } = Pods.safeParse(parseJson(stdout))
  if (!data) return undefined
  const pod = data.items.find(({ metadata }) => metadata.deletionTimestamp === undefined)
  if (!pod) return { pid: 0, state: data.items.length > 0 ? 'changing' : 'stopped' }
  const { phase, containerStatuses } = pod.status
  const isReady = phase === 'Running' && containerStatuses.every(({ ready }) => ready)
  const state: ProcessStatus['state'] = isReady ? 'running' : phase === 'Failed' ? 'failed' : 'changing'
  const restarts = containerStatuses.reduce((sum, { restartCount }) => sum + restartCount, 0)
  return { pid: 0, state, instance: `${pod.metadata.uid}, ${restarts} restarts` }
}
