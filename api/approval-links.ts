import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { failure } from '../core/errors.ts'
import type { Person } from '../core/person.ts'
import { called } from '../policies/approval.ts'
import type { Keys } from '../temporal/keys.ts'

/** What a link lets one person do: answer one plan of one incident, until it expires. */
export interface ApprovalLink {
  readonly incidentId: string
  readonly planId: string
  /** Whom it was made for, as its issuer calls them. */
  readonly name: string
  /** Who made it, and vouches for the name. */
  readonly issuer: Person
  readonly expiresAt: string
}

export interface ApprovalLinks {
  sign(link: ApprovalLink): string
  /** Undefined for all that is not a link of ours in its time; why is not said. */
  read(token: string, nowMs: number): ApprovalLink | undefined
}

const Content = z
  .tuple([z.uuid(), z.uuid(), z.string().min(1), z.string().min(1), z.string().min(1), z.int()])
  .readonly()
const form = /^([\w-]{1,1400})\.([\w-]{43})$/

/** Links signed with a key derived from the keys of the histories: the active one signs, all of them verify. */
export function createApprovalLinks(keys: Keys): ApprovalLinks {
  const derived = new Map([...keys.byId].map(([id, key]) => [id, derive(key)]))
  const active = derived.get(keys.active)
  if (!active) throw failure('CONFIG_INVALID', `there is no key ${keys.active}`)
  return {
    sign({ incidentId, planId, name, issuer, expiresAt }) {
      const content = [incidentId, planId, name, issuer.userId, issuer.name, Date.parse(expiresAt)]
      const body = Buffer.from(JSON.stringify(content)).toString('base64url')
      return `${body}.${macOf(body, active).toString('base64url')}`
    },
    read(token, nowMs) {
      const [, body, mac] = form.exec(token) ?? []
      if (body === undefined || mac === undefined) return undefined
      const given = Buffer.from(mac, 'base64url')
      if (![...derived.values()].some((key) => timingSafeEqual(macOf(body, key), given))) return undefined
      const parsed = Content.safeParse(JSON.parse(Buffer.from(body, 'base64url').toString('utf8')))
      if (!parsed.success) return undefined
      const [incidentId, planId, name, userId, issuerName, expiresMs] = parsed.data
      if (nowMs >= expiresMs) return undefined
      const issuer = { userId, name: issuerName }
      return { incidentId, planId, name, issuer, expiresAt: new Date(expiresMs).toISOString() }
    },
  }
}

const derive = (key: Buffer) => Buffer.from(hkdfSync('sha256', key, '', 'steward approval link 1', 32))
const macOf = (body: string, key: Buffer) => createHmac('sha256', key).update(body).digest()

/** @throws APPROVAL_OWN for a link that somebody makes for themselves */
export function refuseOwnLink(name: string, issuer: Person): void {
  if ([issuer.name, issuer.userId].some((own) => called(own) === called(name)))
    throw failure('APPROVAL_OWN', 'a link is for somebody else: answer with your own login')
}

/** Who answers by a link, as the desk knows them. The issuer is in the id: it is they who vouch for the name. */
export const personOf = ({ name, issuer }: ApprovalLink): Person => ({
  userId: `link:${name}@${issuer.userId}`,
  name: `${name} (by a link of ${issuer.name})`,
  byLink: { name, issuerId: issuer.userId },
})
