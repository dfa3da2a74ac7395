/**
 * How much later than `atMs` an occurrence starts: below `boundMs`, and always the same for the same id and time, so
 * that a preview, a replay and a second look agree.
 */
export function jitterMs(id: string, atMs: number, boundMs: number): number {
  return Math.floor((hash(`${id}/${atMs}`) / 2 ** 32) * boundMs)
}

/** FNV-1a, then the last step of MurmurHash3: neighbours in time must come out far apart. */
function hash(text: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
