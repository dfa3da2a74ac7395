import type { TrustHolder } from '../../core/delegation.ts'
import type { Keystone } from '../../openstack/keystone.ts'
import type { NewTrust, Trust } from '../../openstack/trusts.ts'
import { delegationIdOf } from '../../temporal/delegation-id.ts'

/** What Keystone knows. */
export interface TrustsOutside {
  /** Trusts that exist now. */
  trusts: Map<string, NewTrust>
  /** Who gave them, in which project. */
  givers: Map<string, Pick<Trust, 'trustorUserId' | 'projectId'>>
  /** Global request ids that went to Keystone, in order, with what they went with. */
  requestIds: [call: string, requestId: string | undefined][]
}

export type FakeTrusts = Pick<Keystone, 'createTrust' | 'deleteTrust' | 'listTrusts' | 'getTrust'>

/** Keystone's trusts, all of them for Steward. */
export function fakeTrusts({ trusts, givers, requestIds }: TrustsOutside): FakeTrusts {
  const trustOf = (id: string): Trust | undefined => {
    const [wish, giver] = [trusts.get(id), givers.get(id)]
    return wish && giver && { id, ...wish, ...giver, impersonation: true }
  }
  return {
    async createTrust(caller, wish, options): Promise<Trust> {
      requestIds.push(['createTrust', options?.requestId])
      const id = `trust-${trusts.size + 1}`
      trusts.set(id, wish)
      const { trusteeUserId, roles, expiresAt } = wish
      const { userId: trustorUserId, projectId } = caller
      givers.set(id, { trustorUserId, projectId })
      return { id, trustorUserId, trusteeUserId, projectId, impersonation: true, expiresAt, roles }
    },
    async deleteTrust(_caller, id, options) {
      requestIds.push(['deleteTrust', options?.requestId])
      trusts.delete(id)
    },
    listTrusts: async () => [...trusts.keys()].flatMap((id) => trustOf(id) ?? []),
    getTrust: async (_token, id) => trustOf(id),
  }
}

/** What acts with the trusts of these delegation ids. */
export function heldOf(
  trusts: ReadonlyMap<string, NewTrust>,
  ids: readonly string[],
  holderOf: (trustId: string) => TrustHolder | undefined,
): Map<string, TrustHolder> {
  const held = new Map<string, TrustHolder>()
  for (const trustId of trusts.keys()) {
    const holder = holderOf(trustId)
    if (holder && ids.includes(delegationIdOf(trustId))) held.set(delegationIdOf(trustId), holder)
  }
  return held
}
