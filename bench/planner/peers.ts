/** What is known about a model: measured on Watcher 17.0.0, and proved by a MILP on flavor counts. */
export interface Peer {
  /** Watcher's best consolidation. */
  readonly consolidation: { readonly hosts: number; readonly moves: number; readonly cpuSeconds: number }
  /** Fewest hosts by capacity alone: no real CPU, no groups, no zones, no order of moves. */
  readonly exactHosts: number
  /** Fewest moves for so few hosts; a bound where the solver ran out of time. */
  readonly exactMoves: number
  /** Fewest moves down to the number of hosts Watcher reached, where proved. */
  readonly exactMovesAtPeerHosts?: number
  /** What we want to reach. */
  readonly goal: { readonly hosts: number; readonly movesAtPeerHosts?: number; readonly cpuSeconds?: number }
  /** Watcher's workload_stabilization: default thresholds, then 0.05. */
  readonly balancing: readonly { readonly moves: number; readonly deviation: number; readonly overfull: number }[]
}

export const peers: Readonly<Record<string, Peer>> = {
  c10x80: {
    consolidation: { hosts: 6, moves: 20, cpuSeconds: 0.04 },
    exactHosts: 4,
    exactMoves: 37,
    exactMovesAtPeerHosts: 17,
    goal: { hosts: 4 },
    balancing: [
      { moves: 8, deviation: 9.68, overfull: 0 },
      { moves: 24, deviation: 6.48, overfull: 0 },
    ],
  },
  c50x500: {
    consolidation: { hosts: 33, moves: 132, cpuSeconds: 0.25 },
    exactHosts: 27,
    exactMoves: 164,
    exactMovesAtPeerHosts: 103,
    goal: { hosts: 28, movesAtPeerHosts: 108 },
    balancing: [
      { moves: 94, deviation: 10.0, overfull: 6 },
      { moves: 131, deviation: 9.25, overfull: 6 },
    ],
  },
  'c50x500-groups': {
    consolidation: { hosts: 30, moves: 139, cpuSeconds: 0.14 },
    exactHosts: 24,
    exactMoves: 176,
    goal: { hosts: 26 },
    balancing: [
      { moves: 66, deviation: 9.97, overfull: 2 },
      { moves: 121, deviation: 8.87, overfull: 2 },
    ],
  },
  c100x1000: {
    consolidation: { hosts: 60, moves: 280, cpuSeconds: 0.29 },
    exactHosts: 50,
    exactMoves: 350,
    exactMovesAtPeerHosts: 239,
    goal: { hosts: 51, movesAtPeerHosts: 251 },
    balancing: [
      { moves: 139, deviation: 9.99, overfull: 3 },
      { moves: 274, deviation: 8.23, overfull: 6 },
    ],
  },
  c200x4000: {
    consolidation: { hosts: 123, moves: 1076, cpuSeconds: 1.4 },
    exactHosts: 103,
    exactMoves: 1421,
    goal: { hosts: 106 },
    balancing: [
      { moves: 142, deviation: 9.97, overfull: 3 },
      { moves: 500, deviation: 4.99, overfull: 10 },
    ],
  },
  c500x10000: {
    consolidation: { hosts: 302, moves: 2760, cpuSeconds: 6.6 },
    exactHosts: 258,
    exactMoves: 3485,
    goal: { hosts: 266, cpuSeconds: 5 },
    balancing: [{ moves: 582, deviation: 10.0, overfull: 17 }],
  },
}
