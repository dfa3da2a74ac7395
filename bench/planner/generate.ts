/** What to make. The same values give the same cloud, on any machine. */
export interface CloudSize {
  readonly hosts: number
  readonly servers: number
  readonly seed: number
  /** Anti-affinity groups and servers that must stay in their zone. @default false */
  readonly groups?: boolean
}

/** Sizes are halved for clouds with few servers per host. `ratio`: vCPUs per thread. */
const hostTypes = [
  { share: 0.6, type: 'A', vcpus: 48, memGib: 384, diskGib: 3200, ratio: 2 },
  { share: 0.25, type: 'B', vcpus: 32, memGib: 256, diskGib: 2400, ratio: 2 },
  { share: 0.15, type: 'C', vcpus: 64, memGib: 512, diskGib: 4800, ratio: 3 },
]
const flavors = [
  { share: 0.235, flavor: 's2', vcpus: 2, memGib: 4, diskGib: 40 },
  { share: 0.205, flavor: 's1', vcpus: 1, memGib: 2, diskGib: 20 },
  { share: 0.157, flavor: 'm4', vcpus: 4, memGib: 8, diskGib: 80 },
  { share: 0.12, flavor: 'r2', vcpus: 2, memGib: 16, diskGib: 40 },
  { share: 0.117, flavor: 'c4', vcpus: 4, memGib: 4, diskGib: 40 },
  { share: 0.073, flavor: 'l8', vcpus: 8, memGib: 16, diskGib: 160 },
  { share: 0.05, flavor: 'c8', vcpus: 8, memGib: 8, diskGib: 40 },
  { share: 0.043, flavor: 'r4', vcpus: 4, memGib: 32, diskGib: 80 },
]
const fullest = 0.92
const hotHosts = 0.15
const hotFactor = 2.4

/** Makes a model file: unevenly filled hosts of three types, servers of eight flavors, some hosts hot. */
export function generateCloud({ hosts: hostCount, servers: serverCount, seed, groups = false }: CloudSize) {
  const random = seededRandom(seed)
  const half = serverCount / hostCount <= 12 ? 2 : 1
  const hosts = Array.from({ length: hostCount }, (_, i) => {
    const { type, vcpus, memGib, diskGib, ratio } = pick(hostTypes, random())
    return {
      name: `host-${String(i).padStart(4, '0')}`,
      type,
      vcpus: vcpus / half,
      mem_mib: (memGib * 1024) / half,
      disk_gib: diskGib / half,
      cpu_allocation_ratio: ratio,
      mem_allocation_ratio: 1,
      disk_allocation_ratio: 1,
      az: `az${(i % 3) + 1}`,
    }
  })
  const hot = hosts.map(() => random() < hotHosts)
  const used = hosts.map(() => ({ vcpus: 0, mem: 0, disk: 0 }))
  const sums: number[] = []
  for (const _ of hosts) sums.push((sums.at(-1) ?? 0) + Math.exp(0.6 * gaussian(random)))
  const takes = (at: number, vcpus: number, mem: number, disk: number) => {
    const host = hosts[at]!
    const now = used[at]!
    return (
      now.vcpus + vcpus <= host.vcpus * host.cpu_allocation_ratio * fullest &&
      now.mem + mem <= host.mem_mib * fullest &&
      now.disk + disk <= host.disk_gib * fullest
    )
  }
  const instances = Array.from({ length: serverCount }, (_, i) => {
    const { flavor, vcpus, memGib, diskGib } = pick(flavors, random())
    const mem = memGib * 1024
    let at = drawn(sums, random())
    for (let tries = 0; tries < 20 && !takes(at, vcpus, mem, diskGib); tries++) at = drawn(sums, random())
    for (let next = 0; next < hostCount && !takes(at, vcpus, mem, diskGib); next++) at = (at + 1) % hostCount
    const now = used[at]!
    now.vcpus += vcpus
    now.mem += mem
    now.disk += diskGib
    const percent = Math.exp(Math.log(15) + 0.9 * gaussian(random)) * (hot[at] ? hotFactor : 1)
    const pinned = groups && random() < 0.27
    return {
      id: `${seed.toString(16).padStart(8, '0')}-0000-4000-8000-${i.toString(16).padStart(12, '0')}`,
      host: hosts[at]!.name,
      flavor,
      vcpus,
      mem_mib: mem,
      disk_gib: diskGib,
      cpu_util_pct: Math.round(Math.min(95, Math.max(0.5, percent)) * 100) / 100,
      mem_used_mib: Math.round(mem * (0.4 + 0.55 * random())),
      state: 'active',
      ...(pinned && { pinned_az: hosts[at]!.az }),
    }
  })
  return {
    format: 'mist-peers-cluster/1' as const,
    name: `c${hostCount}x${serverCount}${groups ? '-groups' : ''}`,
    seed,
    note: 'generated',
    hosts,
    instances,
    server_groups: groups ? groupsOf(instances, random) : [],
  }
}

/** Groups of two to five servers that are on different hosts already. */
function groupsOf(instances: readonly { id: string; host: string }[], random: () => number) {
  const wanted = Math.round(instances.length * 0.044)
  const grouped = new Set<string>()
  return Array.from({ length: wanted }, (_, i) => {
    const members = new Map<string, string>()
    const size = 2 + Math.floor(random() * 4)
    for (let tries = 0; tries < 50 && members.size < size; tries++) {
      const { id, host } = instances[Math.floor(random() * instances.length)]!
      if (grouped.has(id) || members.has(host)) continue
      grouped.add(id)
      members.set(host, id)
    }
    return { id: `sg-${i}`, policy: 'anti-affinity' as const, members: [...members.values()] }
  })
}

function pick<T extends { readonly share: number }>(choices: readonly T[], at: number): T {
  let sum = 0
  for (const choice of choices) {
    sum += choice.share
    if (sum > at) return choice
  }
  return choices[0]!
}

/** First index whose running sum is above a share of the whole. */
function drawn(sums: readonly number[], share: number): number {
  const wanted = share * sums.at(-1)!
  let low = 0
  let high = sums.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if (sums[middle]! > wanted) high = middle
    else low = middle + 1
  }
  return low
}

const gaussian = (random: () => number) => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())

/** A linear congruential generator modulo 2^32, its output scrambled: plain, and the same everywhere. */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    const mixed = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d)
    return ((mixed ^ (mixed >>> 13)) >>> 0) / 2 ** 32
  }
}
