import type { Resources } from '../../core/plan.ts'

/** What Nova and Placement said of a cloud, as they said it, before anything is made of it. */
export interface CloudReading {
  /** RFC 3339. */
  readonly takenAt: string
  readonly hosts: readonly ReadHost[]
  readonly servers: readonly ReadServer[]
  readonly groups: readonly { readonly id: string; readonly policy: string; readonly members: readonly string[] }[]
  readonly aggregates: readonly ReadAggregate[]
  /** By name of the resource provider, which is that of the hypervisor. */
  readonly rooms: ReadonlyMap<string, Room>
  /** What this Nova is too old to show: `pinned zones`, `image properties`, `scheduler hints`. */
  readonly unseen: readonly string[]
}

/** A compute service with its hypervisor. */
export interface ReadHost {
  readonly name: string
  readonly zone: string
  /** Up, enabled and not forced down. */
  readonly usable: boolean
  /** Undefined: Nova lists no hypervisor for the service. */
  readonly hypervisor?: {
    readonly node: string
    readonly type: string
    readonly architecture?: string
    /** Physical sizes, as Nova found them. */
    readonly size: Resources
  }
}

/** A host aggregate of Nova. */
export interface ReadAggregate {
  readonly name: string
  readonly hosts: readonly string[]
  readonly metadata: Readonly<Record<string, string>>
}

/** What Placement says of one resource provider. */
export interface Room {
  readonly capacity: Resources
  readonly used: Resources
  /** Most that one consumer may have, where that was read. */
  readonly largest?: Resources
  readonly traits: readonly string[]
  /** Without an inventory of DISK_GB its disks are shared with others. */
  readonly hasDisk: boolean
}

export interface ReadServer {
  readonly id: string
  readonly name: string
  /** Null: on no host, as while it is built or shelved. */
  readonly host: string | null
  readonly status: string
  readonly taskState: string | null
  readonly locked: boolean
  readonly metadata: Readonly<Record<string, string>>
  readonly tags: readonly string[]
  readonly flavor: {
    readonly vcpus: number
    readonly ram: number
    readonly disk: number
    readonly ephemeral: number
    /** MiB, as Nova gives it. */
    readonly swap: number
    /** Undefined: we are not allowed to see them. */
    readonly extraSpecs?: Readonly<Record<string, string>>
  }
  /** False: its root disk is a volume, which takes no room on the host. */
  readonly hasLocalRoot: boolean
  readonly pinnedZone: string | null
  /** Undefined where Nova does not show them. */
  readonly imageProperties?: Readonly<Record<string, string>>
  readonly schedulerHints?: Readonly<Record<string, unknown>>
}

/** Real use, measured by somebody else. */
export interface Usage {
  /** Percent of its own vCPUs, 0..100. */
  readonly cpuPercentOfOwn: number
  readonly memoryUsedMiB?: number
  readonly dirtyMiBps?: number
  readonly networkMbps?: number
  readonly diskIops?: number
}

/** Real use of a whole cloud. */
export interface MeasuredUse {
  /** By server id. */
  readonly usage: ReadonlyMap<string, Usage>
  /** Servers of which something was measured that cannot be counted, with the reason. */
  readonly notCounted: ReadonlyMap<string, string>
  /** CPU when busy over a day, percent of its own vCPUs, by server id. Undefined: it was not asked for. */
  readonly ofDay?: ReadonlyMap<string, number>
}
