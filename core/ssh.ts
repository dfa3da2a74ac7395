import { z } from 'zod'

const User = z.string().regex(/^[a-z_][a-z0-9_-]{0,31}$/)
const Port = z.int().min(1).max(65_535)
const Address = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9.:_-]{0,254}$/, 'a name or an IP address')

/**
 * One word of a remote command. Nothing in it can mean more than itself to a shell,
 * so joining the words with spaces, as ssh does, cannot change the command.
 */
export const CommandWord = z.string().regex(/^[A-Za-z0-9@%_+=:,./-]{1,128}$/, 'letters, digits and @%_+=:,./- only')
export const CommandWords = z.array(CommandWord).min(1).max(16)

/** A name that a supervisor knows a service by: never an option. */
const Name = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9@_.:-]{0,126}$/, 'letters, digits and @_.:- only')
const Selector = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.,=/-]{0,110}$/, 'key=value pairs with commas between')

const Words = z.strictObject({
  supervisor: z.literal('none').optional(),
  restart: CommandWords.describe('exact words of the command that restarts the service'),
  show: CommandWords.optional().describe('prints `pid=N started=EPOCH_SECONDS`; lets a repeat see that it was done'),
})

const Cluster = z.strictObject({
  kind: z.enum(['rabbitmq', 'galera']),
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'lower-case letters, digits and dashes')
    .describe('the same on all members; there must be two or more'),
  node: z
    .string()
    .regex(/^[A-Za-z0-9_-]+@[A-Za-z0-9._-]+$/)
    .optional()
    .describe('of RabbitMQ, where it is not rabbit@ and the name of the host'),
  through: CommandWords.optional().describe('words before its programs, where they are in a container'),
  health: CommandWords.optional().describe('words that show the health, where they are not the usual ones'),
})
export type Cluster = z.infer<typeof Cluster>

const supervised = {
  cluster: Cluster.optional().describe('restarted one at a time, and only while all others are well'),
  seenBy: z
    .enum(['nova', 'process'])
    .default('nova')
    .describe("who says that it is up: Nova's service list, or its supervisor, where Nova does not list it"),
  sudo: z.boolean().default(false).describe('with `sudo -n` before the words'),
  program: z
    .string()
    .regex(/^\/[A-Za-z0-9_./-]{1,126}$/, 'an absolute path')
    .optional()
    .describe('where it is not found by its name alone'),
}
const byName = { name: Name.describe('of the unit, program, container or resource'), ...supervised }

const Kubernetes = z
  .strictObject({
    supervisor: z.literal('kubernetes'),
    kind: z.enum(['deployment', 'statefulset', 'daemonset']),
    namespace: Name,
    name: Name.default('').describe('of the deployment or stateful set'),
    selector: Selector.default('').describe('labels of the pods of the daemon set, one of which is on the node'),
    node: Name.optional().describe('where it is not called like the host'),
    ...supervised,
  })
  .refine(
    ({ kind, name, selector }) =>
      kind === 'daemonset' ? selector !== '' && name === '' : name !== '' && selector === '',
    'a deployment or stateful set has a `name`, a daemon set a `selector`',
  )
export type KubernetesService = z.infer<typeof Kubernetes>

const Pacemaker = z.strictObject({
  supervisor: z.literal('pacemaker'),
  node: Name.optional().describe('of a clone: which instance'),
  ...byName,
})
export type PacemakerService = z.infer<typeof Pacemaker>

/** A service that something on the host looks after. */
const Supervised = z.discriminatedUnion('supervisor', [
  z.strictObject({ supervisor: z.literal('systemd'), ...byName }),
  z.strictObject({ supervisor: z.literal('supervisor'), ...byName }),
  z.strictObject({ supervisor: z.literal('docker'), ...byName }),
  z.strictObject({ supervisor: z.literal('podman'), ...byName }),
  Kubernetes,
  Pacemaker,
])
export type Supervised = z.infer<typeof Supervised>

const Service = z.discriminatedUnion('supervisor', [Words, ...Supervised.options])
export type SshService = z.infer<typeof Service>

export const isSupervised = (service: SshService): service is Supervised =>
  service.supervisor !== undefined && service.supervisor !== 'none'

const limits = {
  connectTimeoutSeconds: z.number().min(1).max(60),
  commandTimeoutSeconds: z.number().min(1).max(600),
}

const CommandName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'lower-case letters, digits and dashes')
const isPattern = (text: string) => {
  try {
    return new RegExp(text, 'u') instanceof RegExp
  } catch {
    return false
  }
}

/** A command that may be run on a host, by name. */
const HostCommand = z.strictObject({
  words: z
    .array(
      z
        .string()
        .max(128)
        .regex(
          /^([A-Za-z0-9@%_+=:,./-]|\{[a-z][A-Za-z0-9]{0,31}\})+$/,
          'letters, digits and @%_+=:,./- only, or {argument}',
        ),
    )
    .min(1)
    .max(16)
    .describe('exact words; {size} is the place of the argument `size`'),
  args: z
    .record(z.string().regex(/^[a-z][A-Za-z0-9]{0,31}$/), z.string().refine(isPattern, 'is no regular expression'))
    .default({})
    .describe('by argument: the regular expression that the whole of it must match'),
  changes: z.boolean().describe('whether it changes anything; one that does is sent once'),
  timeoutSeconds: limits.commandTimeoutSeconds.optional(),
  look: CommandName.optional().describe('a command that changes nothing: its exit code 0 says that this one was done'),
  undo: CommandName.optional().describe('the command that takes it back'),
})
export type HostCommand = z.infer<typeof HostCommand>
const HostCommands = z.record(CommandName, HostCommand).default({})

/** A machine on the way to a host. Its host key must be in the same known_hosts. */
const JumpHost = z.strictObject({ address: Address, port: Port.default(22), user: User.optional() })
const Jump = z.union([z.string(), JumpHost]).describe('an entry of `hosts` by name, or address, port and user')

const Host = z.strictObject({
  address: Address,
  port: Port.default(22),
  user: User.optional().describe('where it is not that of all hosts'),
  jump: z
    .union([Jump, z.literal(false)])
    .optional()
    .describe('where it is not that of all hosts; false: none'),
  connectTimeoutSeconds: limits.connectTimeoutSeconds.optional(),
  commandTimeoutSeconds: limits.commandTimeoutSeconds.optional(),
  services: z.record(z.string(), Service).default({}).describe('by binary, such as nova-compute'),
  commands: HostCommands.describe('besides those for all hosts, or in their place'),
})
export type SshHost = z.infer<typeof Host>

/** One stop of a connection: a machine that ssh logs in to. */
export interface Hop {
  readonly address: string
  readonly port: number
  readonly user: string
}

const Shape = z.strictObject({
  user: User,
  keyFile: z.string().optional().describe('private key; stays on this machine'),
  agent: z.literal(true).optional().describe('or: the keys of the agent that SSH_AUTH_SOCK of the worker leads to'),
  knownHostsFile: z.string().describe('host keys, or @cert-authority lines, that Steward trusts; it never adds one'),
  jump: Jump.optional().describe('every host is reached through it'),
  connectTimeoutSeconds: limits.connectTimeoutSeconds.default(10),
  commandTimeoutSeconds: limits.commandTimeoutSeconds.default(60),
  commands: HostCommands.describe('may be run on every host'),
  hosts: z.record(z.string(), Host),
})
export type SshConfig = z.infer<typeof Shape>

/** `ssh` of steward.yaml. */
export const Ssh = Shape.superRefine((ssh, context) => {
  const wrong = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message })
  if ((ssh.keyFile === undefined) === (ssh.agent === undefined)) wrong([], 'give keyFile, or agent: true')
  for (const name of Object.keys(ssh.hosts)) {
    const way = wayTo(ssh, name)
    if (typeof way === 'string') wrong(['hosts', name, 'jump'], way)
  }
  for (const [name, members] of clustersOf(ssh)) {
    const path = ['hosts', members[0]?.host ?? '', 'services', members[0]?.binary ?? '', 'cluster']
    if (new Set(members.map(({ cluster }) => cluster.kind)).size > 1) wrong(path, `members of ${name} differ in kind`)
    if (new Set(members.map(({ host }) => host)).size < members.length)
      wrong(path, `${name} has two members on one host`)
    if (members.length < 2) wrong(path, `${name} has one member only`)
  }
  const all = [[], ...Object.keys(ssh.hosts).map((name) => ['hosts', name])]
  for (const path of all) {
    const own = path[1] === undefined ? ssh.commands : ssh.hosts[path[1]]?.commands
    const known = { ...ssh.commands, ...own }
    for (const [name, command] of Object.entries(own ?? {}))
      for (const fault of faultsOf(command, known)) wrong([...path, 'commands', name], fault)
  }
})

export interface ClusterMember {
  readonly host: string
  readonly binary: string
  readonly service: Supervised
  readonly cluster: Cluster
}

/** Who belongs together, by name of the cluster. */
export function clustersOf(ssh: SshConfig): ReadonlyMap<string, readonly ClusterMember[]> {
  const clusters = new Map<string, ClusterMember[]>()
  for (const [host, { services }] of Object.entries(ssh.hosts))
    for (const [binary, service] of Object.entries(services)) {
      if (!isSupervised(service) || !service.cluster) continue
      const { cluster } = service
      clusters.set(cluster.name, [...(clusters.get(cluster.name) ?? []), { host, binary, service, cluster }])
    }
  return clusters
}

/** What arguments the words have places for. */
export const placesIn = ({ words }: Pick<HostCommand, 'words'>): Set<string> =>
  new Set(words.flatMap((word) => [...word.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)))

function faultsOf(command: HostCommand, known: Readonly<Record<string, HostCommand>>): string[] {
  const faults: string[] = []
  const args = new Set(Object.keys(command.args))
  for (const place of placesIn(command)) if (!args.has(place)) faults.push(`{${place}} is none of its args`)
  for (const name of args) if (!placesIn(command).has(name)) faults.push(`no word has a place for ${name}`)
  for (const role of ['look', 'undo'] as const) {
    const name = command[role]
    const other = name === undefined ? undefined : known[name]
    if (name === undefined) continue
    if (!other) faults.push(`${role}: there is no command ${name}`)
    else if (role === 'look' && other.changes) faults.push(`look: ${name} changes something`)
    else if (Object.keys(other.args).some((arg) => !args.has(arg)))
      faults.push(`${role}: ${name} needs other arguments`)
  }
  if (command.look && !command.changes) faults.push('look: it changes nothing, so there is nothing to look for')
  return faults
}

/** The hops to a host, the host itself last; a sentence when there is no way. */
export function wayTo(ssh: SshConfig, name: string): Hop[] | string {
  const hops: Hop[] = []
  const seen = new Set<string>()
  for (let at: string | undefined = name; at !== undefined; ) {
    const host: SshHost | undefined = Object.hasOwn(ssh.hosts, at) ? ssh.hosts[at] : undefined
    if (!host) return `there is no host ${at} to jump through`
    if (seen.has(at)) return `the way leads through ${at} twice`
    seen.add(at)
    hops.unshift({ address: host.address, port: host.port, user: host.user ?? ssh.user })
    // whoever all the others are reached through is reached directly
    const jump: SshHost['jump'] = host.jump ?? (ssh.jump === at ? false : ssh.jump)
    if (jump === undefined || jump === false) return hops
    if (typeof jump !== 'string') return [{ ...jump, user: jump.user ?? ssh.user }, ...hops]
    at = jump
  }
  return hops
}
