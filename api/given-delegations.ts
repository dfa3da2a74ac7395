import { inLanes } from '../activities/in-lanes.ts'
import type { GivenDelegation, TrustHolder } from '../core/delegation.ts'
import { failure } from '../core/errors.ts'
import type { Person } from '../core/person.ts'
import type { Keystone } from '../openstack/keystone.ts'
import type { Token } from '../openstack/token.ts'
import type { ListedTrust } from '../openstack/trusts.ts'
import { standingOf } from '../policies/delegation.ts'
import type { Actions } from '../temporal/actions.ts'
import { delegationIdOf } from '../temporal/delegation-id.ts'
import type { DelegationSweep } from '../temporal/delegation-sweep.ts'
import type { Delegations } from '../temporal/delegations.ts'
import type { Page, PageWish } from '../temporal/page.ts'
import type { RecurringActions } from '../temporal/recurring-actions.ts'
import type { TrustHolders } from '../temporal/trust-holders.ts'

export interface GivenDelegationsOptions {
  keystone: Pick<Keystone, 'listTrusts' | 'getTrust'>
  /** Of Steward's own user, who is trusted. */
  ownToken: () => Promise<Token>
  holders: TrustHolders
  actions: Pick<Actions, 'command'>
  recurring: Pick<RecurringActions, 'command'>
  delegations: Pick<Delegations, 'revoke'>
  sweep: Pick<DelegationSweep, 'revoke'>
  now?: () => number
}

/** Whose delegations are meant; everybody's when left out. */
export interface Whose {
  readonly userId?: string
  readonly requestId: string
}

/** All trusts that were given to Steward, as their givers and operators see them. */
export interface GivenDelegations {
  /** Those that end first come first. @throws KEYSTONE_UNREACHABLE, ENGINE_UNREACHABLE */
  list(whose: Whose, wish: PageWish): Promise<Page<GivenDelegation>>
  /** @throws DELEGATION_NOT_FOUND also for somebody else's; KEYSTONE_UNREACHABLE, ENGINE_UNREACHABLE */
  show(id: string, whose: Whose): Promise<GivenDelegation>
  /**
   * Takes one back: what acts with it is ended by its own command, which deletes the trust; what nothing acts with is
   * deleted through itself. The delegation as it was.
   *
   * @throws DELEGATION_NOT_FOUND, ACTION_CLOSED while its call is being made, DELEGATION_LOST, and what `show` throws
   */
  revoke(id: string, whose: Whose, by: Person): Promise<GivenDelegation>
}

/** Trusts read at the same time. */
const atOnce = 10

interface Known {
  readonly id: string
  readonly trust: ListedTrust
  readonly holder: TrustHolder | undefined
}

export function createGivenDelegations(options: GivenDelegationsOptions): GivenDelegations {
  const { keystone, ownToken, holders, actions, recurring, delegations, sweep, now = Date.now } = options

  async function trustsOf({ userId, requestId }: Whose): Promise<ListedTrust[]> {
    const all = await keystone.listTrusts(await ownToken(), { requestId })
    return userId === undefined ? all : all.filter(({ trustorUserId }) => trustorUserId === userId)
  }

  async function find(id: string, whose: Whose): Promise<Known> {
    const trust = (await trustsOf(whose)).find((one) => delegationIdOf(one.id) === id)
    if (!trust) throw failure('DELEGATION_NOT_FOUND', `nobody whose delegations you may see has given ${id}`)
    return { id, trust, holder: (await holders.find([id])).get(id) }
  }

  /** Undefined when it ended between the list and the look. */
  async function view({ id, trust, holder }: Known, { requestId }: Whose): Promise<GivenDelegation | undefined> {
    const read = await keystone.getTrust(await ownToken(), trust.id, { requestId })
    if (!read) return undefined
    const { trustorUserId: userId, projectId, roles, expiresAt } = read
    return {
      ...{ id, kind: holder?.kind ?? 'unknown', userId, projectId, roles: [...roles] },
      ...(holder && { for: holder.for }),
      ...(expiresAt && { expiresAt: expiresAt.toISOString() }),
      state: standingOf(holder, expiresAt, now()),
    }
  }

  async function viewOrMissing(known: Known, whose: Whose): Promise<GivenDelegation> {
    const found = await view(known, whose)
    if (!found) throw failure('DELEGATION_NOT_FOUND', `the delegation ${known.id} has just ended`)
    return found
  }

  return {
    async list(whose, { limit, page = '' }) {
      const after = Buffer.from(page, 'base64url').toString()
      const sorted = (await trustsOf(whose))
        .map((trust) => ({ place: placeOf(trust), id: delegationIdOf(trust.id), trust }))
        .filter(({ place }) => place > after)
        .sort((a, b) => (a.place < b.place ? -1 : 1))
      const part = sorted.slice(0, limit)
      const held = await holders.find(part.map(({ id }) => id))
      const shown = new Map<string, GivenDelegation>()
      await inLanes(part, atOnce, async ({ id, trust }) => {
        const found = await view({ id, trust, holder: held.get(id) }, whose)
        if (found) shown.set(id, found)
      })
      const last = sorted.length > limit ? part.at(-1)?.place : undefined
      return {
        items: part.flatMap(({ id }) => shown.get(id) ?? []),
        ...(last !== undefined && { nextPage: Buffer.from(last).toString('base64url') }),
      }
    },

    show: async (id, whose) => viewOrMissing(await find(id, whose), whose),

    async revoke(id, whose, by) {
      const known = await find(id, whose)
      const { trust, holder } = known
      const before = await viewOrMissing(known, whose)
      const lives = holder !== undefined && holder.endedAt === undefined
      if (!lives) await sweep.revoke({ id, trustId: trust.id }, by)
      else if (holder.kind === 'action') await actions.command(holder.for, trust.projectId, { does: 'cancel', by })
      else if (holder.kind === 'recurring-action')
        await recurring.command(holder.for, trust.projectId, { does: 'cancel', by })
      else await delegations.revoke(by)
      return before
    },
  }
}

/** In the order in which they end; without an end last. */
const placeOf = ({ id, expiresAt }: ListedTrust) => `${expiresAt?.toISOString() ?? '9999'}~${delegationIdOf(id)}`
