import type { Occupancy } from './occupancy.ts'
import type { Tables } from './tables.ts'

/** A server may go back to a host nobody came to, however busy; else it has to fit there like any other. */
export const mayReturn = ({ home }: Tables, { fits, on }: Occupancy, server: number): boolean =>
  fits(server, home[server]!) || on[home[server]!]!.every((one) => home[one] === home[server])

/**
 * Gives up emptying hosts until every server has one: the hosts that the servers without a host come from get all
 * their servers back.
 *
 * @param stuck servers without a host
 * @param receivers hosts in use; grows
 * @returns false if that leads nowhere
 */
export function restoreHosts(
  tables: Tables,
  occupancy: Occupancy,
  stuck: readonly number[],
  receivers: number[],
): boolean {
  const { home } = tables
  const { at, on, fits, put, take } = occupancy
  const inUse = new Set(receivers)
  const belongings = new Map<number, number[]>()
  const queue = [...stuck]
  for (let steps = 0; queue.length > 0; steps++) {
    if (steps > 10 * home.length) return false
    const server = queue.pop()!
    const origin = home[server]!
    const other = receivers.find((host) => fits(server, host))
    if (other !== undefined) {
      put(server, other)
      continue
    }
    if (inUse.has(origin)) {
      // its place is taken: those who came after it look for another one
      for (const guest of on[origin]!.filter((one) => home[one] !== origin)) {
        take(guest)
        queue.unshift(guest)
      }
      put(server, origin)
      continue
    }
    if (belongings.size === 0)
      home.forEach((host, one) => {
        const own = belongings.get(host)
        if (own) own.push(one)
        else belongings.set(host, [one])
      })
    const back = new Set(belongings.get(origin))
    for (const one of back) {
      if (at[one]! >= 0) take(one)
      put(one, origin)
    }
    for (let i = queue.length - 1; i >= 0; i--) if (back.has(queue[i]!)) queue.splice(i, 1)
    inUse.add(origin)
    receivers.push(origin)
  }
  return true
}

/** Saves moves: servers that left a host which stays in use go back, if need be in exchange for one that came there. */
export function bringHome(tables: Tables, occupancy: Occupancy, receivers: readonly number[]): void {
  const { home } = tables
  const { at, on, fits, put, take } = occupancy
  const inUse = new Set(receivers)
  const away = Array.from(home.keys()).filter((server) => at[server] !== home[server] && inUse.has(home[server]!))
  for (let again = true; again; ) {
    again = false
    for (const server of away) if (at[server] !== home[server] && returns(server)) again = true
  }

  function returns(server: number): boolean {
    const origin = home[server]!
    const now = at[server]!
    take(server)
    if (mayReturn(tables, occupancy, server)) {
      put(server, origin)
      return true
    }
    for (const guest of on[origin]!.filter((one) => home[one] !== origin).sort((a, b) => a - b)) {
      take(guest)
      if (fits(server, origin)) {
        put(server, origin)
        const other = fits(guest, now) ? now : receivers.find((host) => fits(guest, host))
        if (other !== undefined) {
          put(guest, other)
          return true
        }
        take(server)
      }
      put(guest, origin)
    }
    put(server, now)
    return false
  }
}
