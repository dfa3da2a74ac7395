import { z } from 'zod'
import { declaredLimits, type Step, type StepKind, stepKinds } from '../../core/declared-runbook.ts'
import type { DeedCheck } from './check-deeds.ts'
import type { ExpressionCheck } from './check-expressions.ts'
import { sayIssues } from './issues.ts'
import { nameProblem } from './names.ts'
import { didYouMean } from './nearest.ts'
import type { Path, Source } from './source.ts'

/** Where a step stands, and what is known there. */
export interface Place {
  /** Values that its expressions may use; what it saves is added. */
  readonly names: Set<string>
  /** What is saved here, whether or not it was there before. */
  readonly saved: Set<string>
  /** Values of outside the loop it is in, which it cannot change. */
  readonly fixed: ReadonlySet<string>
  readonly kinds: ReadonlySet<StepKind>
  readonly depth: number
}

const kinds = stepKinds(z.unknown())
export const allKinds: ReadonlySet<StepKind> = new Set(Object.keys(kinds) as StepKind[])
/** A person is asked one thing at a time. */
const without = (some: ReadonlySet<StepKind>, kind: StepKind) => new Set([...some].filter((one) => one !== kind))
const undoKinds: ReadonlySet<StepKind> = new Set(['action', 'call', 'run', 'wait', 'read', 'set', 'note'])

interface Checks {
  readonly source: Source
  readonly expressions: ExpressionCheck
  readonly deeds: DeedCheck
}

/** Checks steps and all that is in them; gives those that are well formed. */
export function createStepCheck({ source, expressions, deeds }: Checks) {
  let count = 0

  function sequence(given: unknown, path: Path, place: Place): Step[] {
    if (!Array.isArray(given)) {
      source.say(path, 'this is a list of steps')
      return []
    }
    return given.flatMap((one, index) => step(one, [...path, index], place) ?? [])
  }

  function step(given: unknown, path: Path, place: Place): Step | undefined {
    if (++count === declaredLimits.steps + 1) source.say(path, `a runbook has at most ${declaredLimits.steps} steps`)
    if (place.depth > declaredLimits.depth) {
      source.say(path, `steps lie at most ${declaredLimits.depth} levels deep`)
      return undefined
    }
    const kind = kindOf(given, path, place)
    if (kind === undefined) return undefined
    const schema = kinds[kind]
    const { success, data, error } = schema.safeParse(given)
    if (!success) {
      sayIssues(source, path, schema, given, error.issues)
      return undefined
    }
    if (data.line !== undefined) source.sayOfKey([...path, 'line'], 'there is no `line` here')
    const shallow = { ...data, line: source.lineOf(path) } as Step
    expressions.expression([...path, 'when'], shallow.when, place.names, 'bool')
    const inside = insideOf(shallow, path, place)
    const { undo, onError } = shallow
    const taken = undo && step(undo, [...path, 'undo'], after(shallow, { ...place, kinds: undoKinds }))
    const handled = Array.isArray(onError)
      ? sequence(onError, [...path, 'onError'], { ...deeper(place), names: new Set([...place.names, 'error']) })
      : onError
    save(shallow.saves, [...path, 'saves'], place)
    return { ...shallow, ...inside, ...(undo && { undo: taken }), ...(onError && { onError: handled }) } as Step
  }

  function kindOf(given: unknown, path: Path, place: Place): StepKind | undefined {
    const keys = typeof given === 'object' && given !== null && !Array.isArray(given) ? Object.keys(given) : undefined
    const found = keys?.filter((key): key is StepKind => allKinds.has(key as StepKind))
    const [kind, second] = found ?? []
    if (kind === undefined) {
      const meant = keys?.map((key) => didYouMean(key, allKinds)).find((one) => one !== '') ?? ''
      source.say(path, `a step has one of ${[...place.kinds].join(', ')}${meant}`)
    } else if (second !== undefined)
      source.sayOfKey([...path, second], `a step is either ${kind} or ${second}, not both`)
    else if (place.kinds.has(kind)) return kind
    else source.sayOfKey([...path, kind], `\`${kind}\` cannot stand here; what can: ${[...place.kinds].join(', ')}`)
    return undefined
  }

  const deeper = (place: Place): Place => ({ ...place, names: new Set(place.names), depth: place.depth + 1 })
  const after = ({ saves }: Step, place: Place): Place => ({
    ...deeper(place),
    names: new Set(saves === undefined ? place.names : [...place.names, saves]),
  })

  function save(name: string | undefined, path: Path, { names, fixed, saved }: Place): void {
    if (name === undefined) return
    const problem = nameProblem(name)
    if (problem !== undefined) source.say(path, problem)
    if (fixed.has(name)) source.say(path, `\`${name}\` is of outside this loop and cannot be changed in it`)
    names.add(name)
    saved.add(name)
  }

  /** Checks what is particular to a kind; gives the steps inside. */
  function insideOf(one: Step, path: Path, place: Place): object {
    const { names } = place
    const template = (key: string, value: unknown) => expressions.template([...path, ...key.split('.')], value, names)
    if ('run' in one) return { run: sequence(one.run, [...path, 'run'], { ...place, depth: place.depth + 1 }) }
    if ('parallel' in one) {
      const before = new Set(place.saved)
      const parallel = branches(one.parallel, [...path, 'parallel'], place)
      for (const name of place.saved) if (!before.has(name)) names.add(name)
      return { parallel }
    }
    if ('forEach' in one) return { forEach: loop(one.forEach, [...path, 'forEach'], place) }
    if ('action' in one) {
      deeds.action(one, path)
      template('with', one.with)
    } else if ('call' in one) {
      deeds.call(one.call, [...path, 'call'])
      template('call', one.call)
    } else if ('read' in one) {
      deeds.read(one.read, [...path, 'read'])
      template('read.path', one.read.path)
    } else if ('wait' in one) {
      template('wait', { ...one.wait, until: '' })
      if ('until' in one.wait) {
        deeds.read(one.wait.read, [...path, 'wait', 'read'])
        const known = new Set([...names, 'answer'])
        expressions.expression([...path, 'wait', 'until'], one.wait.until, known, 'bool')
      }
    } else if ('set' in one)
      for (const [name, value] of Object.entries(one.set)) {
        template(`set.${name}`, value)
        save(name, [...path, 'set', name], place)
      }
    else if ('ask' in one) template('ask.question', one.ask.question)
    else if ('evidence' in one) template('evidence.value', one.evidence.value)
    else if ('note' in one) template('note', one.note)
    else template('fail', one.fail)
    return {}
  }

  /** Branches do not see what the others save, and no two of them save the same. */
  function branches(given: readonly unknown[], path: Path, place: Place): Step[] {
    const owners = new Set<string>()
    return given.flatMap((one, index) => {
      const saved = new Set<string>()
      const inner = { ...deeper(place), saved, kinds: without(place.kinds, 'ask') }
      const found = step(one, [...path, index], inner)
      for (const name of saved) {
        if (owners.has(name)) source.say([...path, index], `another branch saves \`${name}\`, too`)
        owners.add(name)
        place.saved.add(name)
      }
      return found ?? []
    })
  }

  function loop(each: Step<'forEach'>['forEach'], path: Path, place: Place) {
    const { items, as, gives, steps, ...options } = each
    expressions.expression([...path, 'items'], items, place.names, 'list')
    for (const [key, value] of Object.entries(options)) expressions.template([...path, key], value, place.names)
    const problem = place.names.has(as) ? `there is a \`${as}\` already` : nameProblem(as)
    if (problem !== undefined) source.say([...path, 'as'], problem)
    const inner: Place = {
      names: new Set([...place.names, as]),
      saved: new Set(),
      fixed: new Set([...place.names, as]),
      kinds: without(place.kinds, 'ask'),
      depth: place.depth + 1,
    }
    const inside = sequence(steps, [...path, 'steps'], inner)
    expressions.template([...path, 'gives'], gives, inner.names)
    return { ...each, steps: inside }
  }

  return { sequence, step }
}
