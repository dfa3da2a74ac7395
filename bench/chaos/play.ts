import { setTimeout as sleep } from 'node:timers/promises'
import { cloudEvents, killCompute } from './events/cloud.ts'
import { peopleEvents } from './events/people.ts'
import { signalEvents } from './events/signals.ts'
import { stewardEvents } from './events/steward.ts'
import { dueTogether, hotHost, tenantEvents } from './events/tenants.ts'
import type { Random } from './random.ts'
import type { Dealt, EventKind, World } from './world.ts'

const quiet: EventKind = {
  name: 'a quiet while',
  alone: ['steward', 'bus', 'stop', 'delegation', 'mode', 'death', 'heat'],
  deal(random) {
    const seconds = random.int(20, 35)
    return { details: { seconds }, play: () => sleep(seconds * 1000) }
  },
}

/** What Steward has to do comes more often than what keeps it from it, else it would do nothing. */
const kinds: readonly EventKind[] = [
  ...cloudEvents,
  ...signalEvents,
  ...peopleEvents,
  ...tenantEvents,
  ...[killCompute, killCompute, hotHost, hotHost, dueTogether, dueTogether],
  ...[quiet, quiet, quiet],
]
/** Of the ways to take Steward away, so many in a deck: it should also be there. */
const awayInDeck = 2
const mostAtOnce = 4

interface Card {
  readonly kind: EventKind
  readonly dealt: Dealt
  readonly gapMs: number
}

/**
 * Deals the events like cards: each kind comes once before one comes again, several go on at the same time. The seed
 * decides their order, what they do and the gaps between them; how long they take is up to the system. A card that
 * excludes one that is still going on waits, and the next one is played before it.
 */
export async function playEvents(world: World, random: Random, untilMs: number): Promise<number> {
  const going = new Map<EventKind, Promise<void>>()
  let played = 0
  let deck: Card[] = []
  const mayPlay = ({ kind }: Card) => ![...going.keys()].some((other) => excludes(other, kind))
  while (Date.now() < untilMs) {
    if (deck.length === 0) deck = dealDeck(random)
    const at = going.size < mostAtOnce ? deck.findIndex(mayPlay) : -1
    const [card] = at < 0 ? [] : deck.splice(at, 1)
    if (!card) {
      await Promise.race(going.values())
      continue
    }
    const { kind, dealt, gapMs } = card
    played++
    world.journal.write(kind.name, dealt.details)
    const failed = (error: unknown) =>
      void world.journal.write('event failed', { kind: kind.name, error: String(error).slice(0, 300) })
    const ended = dealt
      .play(world)
      .catch(failed)
      .then(() => void going.delete(kind))
    going.set(kind, ended)
    await sleep(gapMs)
  }
  await Promise.all(going.values())
  return played
}

function dealDeck(random: Random): Card[] {
  const away = random.shuffle(stewardEvents).slice(0, awayInDeck)
  return random
    .shuffle([...kinds, ...away])
    .map((kind) => ({ kind, dealt: kind.deal(random), gapMs: random.int(500, 5_000) }))
}

const excludes = (one: EventKind, other: EventKind) =>
  one === other || (one.alone ?? []).some((word) => other.alone?.includes(word))
