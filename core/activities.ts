import type { Entity, LogLine } from './alert.ts'
import type { Call } from './call.ts'
import type { ActionReference, Deed } from './chain.ts'
import type { PlanDigest, PlanView, PlanWishes } from './cloud-plan.ts'
import type { Delegation, OrphanTrust, Rights } from './delegation.ts'
import type { Holder, LeaseRequest, Outcome, Survey, Verdict } from './governor.ts'
import type { ServerSelector, TargetOutcome } from './group.ts'
import type { HttpCall, HttpOutcome } from './http-call.ts'
import type { Announcement, CloudEvent } from './notification.ts'
import type { DrainPlan, Move, Plan } from './plan.ts'
import type { PlanDocument } from './plan-document.ts'
import type { PowerOutcome, PowerReading } from './power.ts'
import type { Hindrance, Work } from './work.ts'

/** A service as Nova's service list shows it now. */
export interface ServiceStatus {
  readonly host: string
  readonly binary: string
  readonly state: 'up' | 'down'
  readonly status: 'enabled' | 'disabled'
  readonly forcedDown: boolean
  /** Time of its last report, as Nova gives it. */
  readonly updatedAt: string | null
}

/** A service among the enabled ones of its kind: when none of them is up, the service itself is hardly to blame. */
export interface ServiceInCompany extends ServiceStatus {
  readonly company: { readonly up: number; readonly down: number }
}

export interface ServiceTarget {
  readonly host: string
  readonly binary: string
}

/** What is behind a service as its host shows it; pid 0: no process, or its supervisor names none. */
export interface ProcessStatus {
  readonly pid: number
  readonly startedEpochSeconds?: number
  /** As its supervisor has it. Missing where a command of steward.yaml shows the process. */
  readonly state?: 'running' | 'changing' | 'stopped' | 'failed'
  /** Another one after each start. */
  readonly instance?: string
}

/** What steward.yaml says of a service. */
export interface ServiceCare {
  /** Who says that it is up. */
  readonly seenBy: 'nova' | 'process'
  /** Its supervisor tells one start from another. */
  readonly isSupervised: boolean
  /** The cluster it is a member of. */
  readonly cluster?: string
}

/** A command of steward.yaml with its arguments. */
export interface CommandCall {
  readonly command: string
  readonly args: Readonly<Record<string, string>>
}

export interface CommandOutcome {
  /** `was done`: its end was not heard of, and a look says that it was. */
  readonly outcome: 'ran' | 'was done'
  /** Null when a signal ended it, or when its end was not heard of. */
  readonly exitCode: number | null
  /** At most 64 KiB: where there was more, the beginning and the end. */
  readonly stdout: string
  readonly stderr: string
  /** How much of `stdout` is missing. */
  readonly cutBytes: number
  /** What takes it back. */
  readonly undo?: CommandCall
}

/** What a plan is wanted for. */
export interface PlanWish {
  readonly goal: PlanDocument['goal']
  readonly options: PlanWishes
  /** Servers to be planned around. */
  readonly stay: readonly { readonly serverId: string; readonly reason: string }[]
  /** Hosts disabled for this reason count as open. */
  readonly ownReason: string
  /** Goal `undo`: the plan whose moves are taken back. */
  readonly undoes?: string
}

/** Where the document of a plan is kept. */
export interface PlanReference {
  readonly workflowId: string
  readonly pack: string
}

/** A move of a plan; without `cold` it is a live one. */
export interface WaveMove extends Move {
  readonly cold?: {
    /** It is shut off, and has to be at the end. */
    readonly isOff: boolean
    /** Of its disk. */
    readonly copiedMiB: number
  }
}

/** One wave of a plan, as it is carried out. */
export interface WavePart {
  readonly moves: readonly WaveMove[]
  /** Of the hosts it touches. */
  readonly zones: readonly string[]
  /** Hosts that the plan empties and that it does not use again: nothing new shall come to them meanwhile. */
  readonly emptied: readonly string[]
  /** Hosts that servers go back to: they are enabled, as far as the plan that is taken back has disabled them. */
  readonly opened: readonly string[]
}

/** With whose rights something was done. */
export interface UsedDelegation {
  readonly trustId: string
  /** Who gave the trust. */
  readonly userId: string
}

export interface MigrationOutcome {
  /** Host the server is on now; Nova may have chosen another one than planned. */
  readonly host: string
  readonly migrationUuid: string
  readonly durationMs: number
  /** Nova's own request id of the live-migration call; missing when an earlier attempt had sent it. */
  readonly requestId?: string
  /** For the audit. */
  readonly delegation?: UsedDelegation
}

export interface Evidence {
  readonly collectedAt: string
  readonly services: readonly ServiceStatus[]
  readonly lines: readonly LogLine[]
}

export interface CallOutcome {
  readonly status: number
  readonly startedAt: string
  readonly requestId?: string
  readonly body?: unknown
  readonly note?: string
  /** There was nothing left to do: nothing was changed, so that there is nothing to take back. */
  readonly already?: true
  /** What was read before the call, where its action looks first. */
  readonly before?: unknown
  /** The call was accepted; what it began has an end that can be seen by looking. */
  readonly goesOn?: true
}

/** One action on many targets, each of which goes into the input under `key`. */
export type Group = ActionReference & Delegation & { readonly key: string }

/**
 * Everything a workflow may ask of the outside world. Workflows import this interface and nothing else of
 * activities/, so the sandbox never sees Node types; activities/ implements it, one file per outside system.
 */
export interface Activities {
  // Nova's service list
  lookAtService(target: ServiceTarget): Promise<ServiceInCompany>
  awaitServiceUp(
    input: ServiceTarget & { stableSeconds: number; withinSeconds: number; reportedAfter: string | null },
  ): Promise<{ outcome: 'stable' | 'down again'; upAfterMs: number }>
  watchServices(): Promise<void>

  /** Fails when a start of nova-compute would destroy copies of servers. */
  checkEvacuations(input: { host: string }): Promise<void>

  // SSH
  describeService(target: ServiceTarget): Promise<ServiceCare>
  lookAtProcess(target: ServiceTarget): Promise<ProcessStatus | null>
  awaitProcessUp(
    input: ServiceTarget & { stableSeconds: number; withinSeconds: number },
  ): Promise<{ outcome: 'stable' | 'down again'; upAfterMs: number }>
  /** Fails unless all other members of its cluster are well and can do without it. */
  checkCluster(target: ServiceTarget): Promise<void>
  awaitCluster(input: ServiceTarget & { withinSeconds: number }): Promise<void>
  runCommand(input: { host: string } & CommandCall): Promise<CommandOutcome>
  /** The same for commands that change nothing; others are refused. */
  lookOnHost(input: { host: string } & CommandCall): Promise<CommandOutcome>
  restartService(
    input: ServiceTarget & { before: ProcessStatus | null },
  ): Promise<{ outcome: 'restarted' | 'was restarted' }>

  // the power of hosts
  lookAtPower(input: { host: string }): Promise<PowerReading>
  /** `hard` takes the power away at once; `graceful` asks the operating system to shut down. */
  powerOff(input: { host: string; how: 'graceful' | 'hard'; withinSeconds: number }): Promise<PowerOutcome>
  powerOn(input: { host: string; withinSeconds: number }): Promise<PowerOutcome>

  // moving servers
  planRelief(input: { host: string; resource: 'vcpu' | 'memory'; limit: number; maxMoves: number }): Promise<Plan>
  /** How to empty a host, with so many servers on the way at the same time. */
  planDrain(input: { host: string; atOnce: number }): Promise<DrainPlan>
  /** Whether the other hosts as they are take these servers of a host. */
  findRoom(input: {
    host: string
    serverIds: readonly string[]
  }): Promise<{ places: { serverId: string; host: string }[] }>
  liveMigrate(move: Move): Promise<MigrationOutcome>

  // plans for many hosts
  /** Looks at the whole cloud and plans; the document is left with the workflow that asked. */
  makePlan(wish: PlanWish): Promise<PlanDigest>
  /** Begins a plan of its own, by the rules for approval as they are now. Repeatable: one plan is begun once. */
  beginPlan(input: { view: PlanView; reportTo: string }): Promise<void>
  readWave(input: PlanReference & { wave: number }): Promise<WavePart>
  /** Looks whether the cloud is as a wave expects it; servers of this wave that were `moved` are expected at their targets. */
  checkWave(input: PlanReference & { wave: number; moved: readonly string[]; ownReason: string }): Promise<void>
  /** Of servers that were moved, those that Nova or Placement do not have where they should be. */
  verifyMoves(input: { moves: readonly Move[] }): Promise<{ astray: readonly string[] }>
  /** Nova places no more servers there. `ours`: it is disabled for this reason now. */
  disableHost(input: { host: string; reason: string }): Promise<{ ours: boolean }>
  /** Only if it is disabled for this very reason. */
  enableHost(input: { host: string; reason: string }): Promise<{ enabled: boolean }>
  /** Hosts that plans have turned off, and which of them it takes for so much of the cloud to be free. */
  findHostsToWake(input: { freeShare: number }): Promise<{
    readonly wake: readonly string[]
    readonly asleep: readonly string[]
    readonly suffices: boolean
  }>
  /** One number that Prometheus gives for this query now. */
  readSignal(input: { query: string }): Promise<{ value: number }>
  /** Hosts that are disabled for this reason. */
  findDisabled(input: { reason: string }): Promise<{ hosts: readonly string[] }>

  // the governor
  /** How many hosts are well, in the zone of `host` and in the cloud. */
  surveyHosts(input: { host: string }): Promise<Survey>
  /** What the governor would say now; nothing is held by it. */
  consultGovernor(input: { request: LeaseRequest }): Promise<Verdict>
  /** Hands the request in. Every later word, when it has to wait, comes to the holder as a signal. */
  requestLease(input: { request: LeaseRequest }): Promise<Verdict>
  giveBackLease(input: { requestId: string }): Promise<void>
  reportOutcome(input: { outcome: Outcome }): Promise<void>
  /** Of these holders, those that do not run any more. */
  findEnded(input: { holders: readonly Holder[] }): Promise<{ ended: readonly Holder[] }>
  /** Leases of runs at work, as a governor without memory finds them. */
  findHeld(): Promise<{ held: readonly LeaseRequest[] }>

  /** How often this alert has opened an incident lately, the present one included. */
  recallFirings(input: { policy: string; entity: Entity; withinSeconds: number }): Promise<{ firings: number }>

  /** Reads one thing of the cloud, or all pages of a list. A 404 is an answer, too. */
  readCloud(
    input: Pick<Call, 'service' | 'path' | 'microversion'> & { readonly list?: string | undefined },
  ): Promise<{ status: number; body?: unknown }>

  collectEvidence(input: { host: string; lines: readonly LogLine[] }): Promise<Evidence>

  // HTTP to anywhere but OpenStack
  /** Whether it may be sent, and where to; sends nothing. */
  checkHttpCall(input: HttpCall): Promise<{ host: string; addresses: readonly string[] }>
  callHttp(input: HttpCall): Promise<HttpOutcome>

  // deferred calls
  performCall(input: Deed & Rights): Promise<CallOutcome>
  reconcileCall(
    input: Deed & Rights & { sentAfter: string },
  ): Promise<{ verdict: 'done' | 'not done' | 'unknown'; requestId?: string }>
  /** Waits until what the call began is over. */
  awaitEffect(
    input: ActionReference & Rights & { since: string; before?: unknown; result?: unknown; limitSeconds?: number },
  ): Promise<{ outcome: 'done' | 'failed' | 'unseen'; detail: string }>
  // one action on many targets
  /** The servers of the project that are meant, at most `mostTargets`. */
  findTargets(input: { select: ServerSelector } & Delegation): Promise<{ ids: string[] }>
  /** Like `performCall`, for each; heartbeats what became of those that are through. */
  performMany(input: Group & { ids: readonly string[] }): Promise<TargetOutcome[]>
  /** Like `reconcileCall`, for each. */
  reconcileMany(input: Group & { ids: readonly string[]; sentAfter: string }): Promise<TargetOutcome[]>
  /** Like `awaitEffect`, for each. */
  awaitMany(input: Group & { pending: readonly TargetOutcome[] }): Promise<TargetOutcome[]>

  /** What is in the way of work that is not due yet; nothing when all is well. */
  checkAhead(input: { work: Work } & Delegation): Promise<Hindrance | null>

  // versions of runs
  /** Has an open run go on with the current code, if its history fits that. Repeatable. */
  moveRun(input: { workflowId: string; runId: string }): Promise<{ build: string }>

  // trusts
  deleteTrust(input: { trustId: string }): Promise<void>
  checkTrust(input: { trustId: string }): Promise<void>
  /** Trusts that nothing needs any more, at most so many; how many others there are. */
  findOrphans(input: { most: number }): Promise<{ orphans: OrphanTrust[]; used: number; unknown: number }>

  // telling people
  /** Has the receivers told who want to know; nothing is begun when nobody does. */
  announce(announcement: Announcement): Promise<void>
  /** Sends an event to one receiver. */
  deliver(input: { receiver: string; event: CloudEvent }): Promise<{ status: number; attempts: number }>
}
