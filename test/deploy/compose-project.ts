import { z } from 'zod'
import { outcome } from './parsers.ts'

const Service = z.object({
  image: z.string().optional(),
  build: z.unknown().optional(),
  command: z.array(z.string()).nullish(),
  environment: z.record(z.string(), z.string().nullable()).default({}),
  healthcheck: z.object({ test: z.array(z.string()), disable: z.boolean().optional() }).optional(),
  ports: z.array(z.object({ host_ip: z.string().default(''), target: z.int(), published: z.string() })).default([]),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
  deploy: z
    .object({
      replicas: z.int().optional(),
      resources: z.object({ limits: z.object({ memory: z.string().optional() }).optional() }).optional(),
    })
    .default({}),
  networks: z.record(z.string(), z.unknown()).default({}),
  secrets: z.array(z.object({ source: z.string(), target: z.string() })).default([]),
  volumes: z
    .array(z.object({ type: z.string(), source: z.string(), target: z.string(), read_only: z.boolean().optional() }))
    .default([]),
  restart: z.string().optional(),
  init: z.boolean().optional(),
  read_only: z.boolean().optional(),
  privileged: z.boolean().optional(),
  cap_drop: z.array(z.string()).default([]),
  security_opt: z.array(z.string()).default([]),
})

const Project = z.object({
  services: z.record(z.string(), Service),
  secrets: z.record(z.string(), z.object({ file: z.string().optional() })).default({}),
})
export type Project = z.infer<typeof Project>

/**
 * Loads a compose file with Compose's own library, strictly: its warnings count as failures.
 *
 * @throws with the library's words
 */
export async function loadProject(parser: string, file: string, variables: Record<string, string>): Promise<Project> {
  const given = Object.entries(variables).map(([name, value]) => `${name}=${value}`)
  const { code, stdout, stderr } = await outcome(parser, [file, ...given])
  if (code !== 0 || stderr !== '') throw new Error(stderr)
  return Project.parse(JSON.parse(stdout))
}

/** Everything we do not want in a compose file, one sentence each. */
export function faults({ services, secrets }: Project): string[] {
  const found: string[] = []
  const awaited = new Set(
    Object.values(services).flatMap(({ depends_on }) =>
      Object.entries(depends_on).flatMap(([name, { condition }]) =>
        condition === 'service_completed_successfully' ? [name] : [],
      ),
    ),
  )
  for (const [name, service] of Object.entries(services)) {
    // a service that others wait for to end tells its health by its exit code
    const runsToItsEnd = awaited.has(name) && service.restart?.startsWith('on-failure')
    if (!runsToItsEnd && (!service.healthcheck || service.healthcheck.disable)) found.push(`${name} has no healthcheck`)
    if (!runsToItsEnd && service.restart !== 'unless-stopped') found.push(`${name} is not restarted`)
    for (const { host_ip, published } of service.ports)
      if (host_ip !== '127.0.0.1') found.push(`${name} publishes ${published} on ${host_ip || 'every address'}`)
    for (const [variable, value] of Object.entries(service.environment))
      if (/PASS|PWD|SECRET|TOKEN|CREDENTIAL|PRIVATE|API_?KEY/.test(variable) && !variable.endsWith('_FILE') && value)
        found.push(`${name} has a secret in ${variable}`)
    if (/\/\/[^/\s:@]+:[^/\s@]+@/.test(JSON.stringify(service))) found.push(`${name} has a password in an address`)
    if (!/^[^@]+:v?\d+\.\d+\.\d+(-[a-z0-9.]+)?$|^[^@]+:\d+\.\d+-[a-z0-9.]+$/.test(service.image ?? ''))
      found.push(`${name} has no exact image: ${service.image}`)
    if (service.privileged) found.push(`${name} is privileged`)
    if (!service.cap_drop.includes('ALL')) found.push(`${name} keeps capabilities`)
    if (!service.security_opt.includes('no-new-privileges:true')) found.push(`${name} may gain privileges`)
    if (!service.deploy.resources?.limits?.memory) found.push(`${name} has no memory limit`)
    for (const { type, source, read_only } of service.volumes)
      if (type === 'bind' && !read_only) found.push(`${name} may write ${source}`)
  }
  for (const [name, { file }] of Object.entries(secrets)) if (!file) found.push(`secret ${name} is not a file`)
  return found
}
