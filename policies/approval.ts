import type { ErrorCode } from '../core/catalogue.ts'
import type { GovernorConfig } from '../core/governor.ts'
import type { Answer, Proposal } from '../core/incident.ts'

/** What a yes is to. */
export type Proposed = Pick<Proposal, 'runbook' | 'targets' | 'plan'>

/** Whose hand gives an answer. */
type Hand = Pick<Answer, 'userId' | 'by' | 'byLink'>

export interface AnswerToJudge {
  /** What is being asked about now. */
  readonly proposal: Pick<Proposal, 'planId' | 'expiresAt' | 'needs'>
  /** Those that were counted before it, also to other plans. */
  readonly answers: readonly Answer[]
  readonly answer: Hand & Pick<Answer, 'planId' | 'says'>
  /** User id of the person who asked for the plan, where it was a person. */
  readonly requestedBy?: string
  readonly nowMs: number
}

/**
 * Why an answer does not count; undefined when it does. A person may take back a yes with a no while the plan is open:
 * only a yes must be another person's.
 */
export function judgeAnswer({
  proposal,
  answers,
  answer,
  requestedBy,
  nowMs,
}: AnswerToJudge): { code: Extract<ErrorCode, 'APPROVAL_STALE' | 'APPROVAL_OWN'>; message: string } | undefined {
  if (answer.planId !== proposal.planId)
    return { code: 'APPROVAL_STALE', message: `the plan being asked about is ${proposal.planId}` }
  const decided = decision(proposal, answers)
  if (decided) return { code: 'APPROVAL_STALE', message: `the plan has been ${decided} already` }
  if (!(nowMs < Date.parse(proposal.expiresAt)))
    return { code: 'APPROVAL_STALE', message: `the plan could be answered until ${proposal.expiresAt}` }
  if (answer.says === 'rejected') return undefined
  if (answer.userId === requestedBy)
    return { code: 'APPROVAL_OWN', message: 'whoever asked for a plan cannot approve it' }
  const yes = answers.filter(({ planId, says }) => planId === answer.planId && says === 'approved')
  if (yes.some(({ userId }) => userId === answer.userId))
    return { code: 'APPROVAL_OWN', message: 'the same person cannot approve twice' }
  const own = yes.find((other) => isSameHand(other, answer))
  if (own) return { code: 'APPROVAL_OWN', message: `${own.by} has said yes already, and stands behind this answer too` }
  return undefined
}

/**
 * One person must not count as two by means of links: not who made the link besides who used it, not two links of one
 * maker, not a link for somebody who has answered by login.
 */
function isSameHand(a: Hand, b: Hand): boolean {
  if (!a.byLink && !b.byLink) return false
  const [userA, userB] = [a, b].map(({ userId, byLink }) => byLink?.issuerId ?? userId)
  const [nameA, nameB] = [a, b].map(({ by, byLink }) => called(byLink?.name ?? by))
  return userA === userB || nameA === nameB
}

/** What a person is called, so that `Ana ` and `ana` are one. */
export const called = (name: string) => name.normalize('NFKC').trim().toLowerCase()

/** What the answers to this very plan come to: one no decides, a yes needs as many persons as the plan does. */
export function decision(
  proposal: Pick<Proposal, 'planId' | 'needs'>,
  answers: readonly Answer[],
): 'approved' | 'rejected' | undefined {
  if (answers.some(({ planId, says }) => planId === proposal.planId && says === 'rejected')) return 'rejected'
  return approvers(proposal, answers).size >= Math.max(1, proposal.needs) ? 'approved' : undefined
}

function approvers({ planId }: Pick<Proposal, 'planId'>, answers: readonly Answer[]): ReadonlySet<string> {
  return new Set(answers.filter((a) => a.planId === planId && a.says === 'approved').map(({ userId }) => userId))
}

/** How many persons must say yes: two when much is touched. */
export const personsFor = (proposed: Proposed, limits: Limits): number =>
  personsForHosts(hostsOf(proposed).size, limits)

/** The same for a plan that is too long to be looked at here. */
export const personsForHosts = (hosts: number, { twoPersonsFromHosts }: Limits): number =>
  hosts >= twoPersonsFromHosts ? 2 : 1

type Limits = Pick<GovernorConfig['approval'], 'twoPersonsFromHosts'>

function hostsOf({ targets, plan }: Proposed): ReadonlySet<string> {
  const named = targets.filter((target) => target.startsWith('host/')).map((target) => target.slice('host/'.length))
  return new Set([...named, ...(plan?.moves ?? []).flatMap(({ from, to }) => [from, to])])
}

/** Whether exactly the same would be done; figures and reasons beside it may differ. */
export const isSamePlan = (a: Proposed, b: Proposed): boolean => essence(a) === essence(b)

const essence = ({ runbook, targets, plan }: Proposed) =>
  JSON.stringify([runbook, targets, plan?.moves.map(({ serverId, from, to }) => [serverId, from, to])])
