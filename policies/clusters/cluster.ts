import type { ClusterMember } from '../../core/ssh.ts'
import { galera } from './galera.ts'
import { rabbitmq } from './rabbitmq.ts'

/** What one member has said of its cluster. */
export interface Report {
  readonly member: ClusterMember
  readonly stdout: string
}

/** How one kind of cluster is asked, and what its answers mean. Words only, of safe letters; the rest goes to stdin. */
export interface ClusterKind {
  readonly health: readonly string[]
  readonly stdin?: string
  /** Asked of a member that is up: exit code 0 says that the others can do without it. */
  readonly spare?: readonly string[]
  /**
   * What is wrong, in one sentence. `without` may be missing: it is the one that is to be restarted, and is not asked.
   * Every other member must have reported.
   */
  faultOf(reports: readonly Report[], members: readonly ClusterMember[], without?: ClusterMember): string | undefined
  /** Whether `member` is up, as the others see it. */
  isUp(reports: readonly Report[], member: ClusterMember): boolean
}

const kinds: Readonly<Record<ClusterMember['cluster']['kind'], ClusterKind>> = { rabbitmq, galera }

export const kindOf = ({ cluster }: ClusterMember): ClusterKind => kinds[cluster.kind]

/** The words that ask this member for the health of its cluster. */
export const healthOf = (member: ClusterMember): readonly string[] =>
  member.cluster.health ?? sentTo(member, kindOf(member).health)

/** The words of a program of the cluster as they are sent to this member. */
export const sentTo = ({ service, cluster }: ClusterMember, words: readonly string[]): readonly string[] => [
  ...(cluster.through ?? (service.sudo ? ['sudo', '-n'] : [])),
  ...words,
]
