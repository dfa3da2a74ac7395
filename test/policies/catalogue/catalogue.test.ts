import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Call } from '../../../core/call.ts'
import { codeOf, messageOf } from '../../../core/errors.ts'
import { checkPath } from '../../../openstack/catalog.ts'
import { type ActionSpec, actionCatalogue, actionNamed } from '../../../policies/catalogue/index.ts'
import { examples } from './examples.ts'

const specs = [...actionCatalogue.values()]
const named = specs.map((spec) => [spec.name, spec] as const)
const exampleOf = ({ name }: ActionSpec) => {
  const example = examples[name]
  if (!example) throw new Error(`${name} has no example`)
  return example
}
const inputOf = (spec: ActionSpec) => exampleOf(spec)[0]

/** What a service may say: shapes that are nearly right, and anything else. */
const bodies = fc.oneof(
  fc.jsonValue({ maxDepth: 4 }),
  fc.dictionary(
    fc.constantFrom(
      'server',
      'volume',
      'port',
      'stack',
      'member',
      'status',
      'snapshot',
      'services',
      'roles',
      'image_id',
    ),
    fc.dictionary(
      fc.constantFrom('status', 'OS-EXT-STS:task_state', 'attachments', 'flavor', 'id', 'hostId', '__proto__', 'size'),
      fc.jsonValue({ maxDepth: 2 }),
    ),
  ),
)
const answers = fc.record({ status: fc.constantFrom(200, 202, 404, 500), body: bodies })

describe('the catalogue of actions', () => {
  it('has at least sixty, and each name once', () => {
    expect(specs.length).toBeGreaterThanOrEqual(60)
    expect(new Set(Object.keys(examples))).toEqual(new Set(actionCatalogue.keys()))
  })

  it.each(named)('%s makes the call of the API reference', (_name, spec) => {
    const [input, method, path, body, microversion] = exampleOf(spec)
    expect(spec.calls(input)).toEqual({
      service: spec.service,
      method,
      path,
      ...(body !== undefined && { body }),
      ...(microversion !== undefined && { microversion }),
    })
  })

  it.each(named)('%s makes calls and reads that fit the schema of calls', (_name, spec) => {
    const input = inputOf(spec)
    expect(Call.parse(spec.calls(input))).toEqual(spec.calls(input))
    for (const read of [spec.alreadyDone?.read(input), spec.waitFor?.read(input, {})]) {
      if (read === undefined) continue
      expect(Call.parse(read)).toEqual(read)
      expect(read.method).toBe('GET')
    }
  })

  it.each(named)('%s says what it is, where it is documented, and what it changes', (_name, spec) => {
    expect(spec.name).toMatch(/^[a-z-]+\.[a-z-]+$/)
    expect(spec.title).toMatch(/^[A-Z].*[^.]$/)
    expect(spec.see).toMatch(/^https:\/\/docs\.openstack\.org\/api-ref\/[a-z-]+\/(?:v[\d.]+\/)?#[a-z0-9-]+$/)
    expect(spec.notes.every((note) => note.endsWith('.'))).toBe(true)
    const input = inputOf(spec)
    const targets = spec.targets(input)
    expect(targets.length).toBeGreaterThan(0)
    for (const target of targets) {
      const [, targetId] = /^[a-z-]+\/([\w-]+)$/.exec(target) ?? []
      expect(Object.values(input)).toContain(targetId)
    }
  })

  it.each(named)('%s waits no shorter than it usually takes', (_name, { waitFor }) => {
    if (waitFor) expect(waitFor.limitSeconds).toBeGreaterThan(waitFor.typicalSeconds)
  })

  it.each(named)('%s takes nothing it does not know, and needs all it asks for', (_name, spec) => {
    const input = inputOf(spec)
    expect(refusalOf(() => spec.calls({ ...input, levitate: true }))).toBe('INPUT_INVALID')
    for (const key of Object.keys(input)) {
      const { [key]: _left, ...rest } = input
      expect(
        refusalOf(() => spec.calls(rest)),
        key,
      ).toBe('INPUT_INVALID')
    }
    for (const junk of [undefined, null, 'x', [], {}]) expect(refusalOf(() => spec.calls(junk))).toBe('INPUT_INVALID')
  })

  it.each(named)('%s lets no input lead its path elsewhere', (_name, spec) => {
    const input = inputOf(spec)
    const depth = spec.calls(input).path.split('/').length
    const staysWithin = (changed: Readonly<Record<string, unknown>>) => {
      const call = madeBy(() => spec.calls(changed))
      const reads = [() => spec.alreadyDone?.read(changed), () => spec.waitFor?.read(changed, {})].map(madeBy)
      for (const made of [call, ...reads]) {
        if (made === undefined) continue
        checkPath(made.path)
        expect(made.path).not.toMatch(/\.\.|[?#%\\;\s]|\/\/|\/$/)
      }
      if (call) expect(call.path.split('/')).toHaveLength(depth)
    }
    const traps = ['..', '.', '/b', '../x', '%2e%2e', '%2f', '?x=1', '#x', '\n', ';y', '', ' ', '\\', '..b', '\u0000']
    for (const [key, value] of Object.entries(input))
      for (const trap of traps)
        for (const evil of [trap, `${value}${trap}`, `${trap}${value}`]) staysWithin({ ...input, [key]: evil })
    const evil = fc.oneof(fc.string({ unit: 'grapheme' }), fc.jsonValue({ maxDepth: 1 }))
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(input)), evil, (key, value) => {
        staysWithin({ ...input, [key]: value })
      }),
      { numRuns: 25 },
    )
  })

  it.each(named)('%s can tell from any answer, without failing', (_name, spec) => {
    const input = inputOf(spec)
    const known = fc.record({ before: bodies, result: bodies }, { requiredKeys: [] })
    fc.assert(
      fc.property(answers, known, (seen, about) => {
        if (spec.alreadyDone) expect(typeof spec.alreadyDone.when(seen, input)).toBe('boolean')
        if (spec.waitFor) {
          const [done, failed] = [spec.waitFor.done(seen, input, about), spec.waitFor.failed(seen, input, about)]
          expect([typeof done, typeof failed]).toEqual(['boolean', 'boolean'])
          expect(done && failed, 'done and failed at once').toBe(false)
          const read = spec.waitFor.read(input, about)
          if (read) checkPath(Call.parse(read).path)
        }
        const back = spec.undo?.(input, about)
        if (back) Call.parse(actionNamed(back.action).calls(back.input))
      }),
      { numRuns: 25 },
    )
  })

  it.each(named)('%s learns nothing from an error, whatever is in it', (_name, spec) => {
    const input = inputOf(spec)
    fc.assert(
      fc.property(bodies, fc.constantFrom(0, 302, 401, 403, 409, 500, 503), (body, status) => {
        const told = [
          spec.alreadyDone?.when({ status, body }, input),
          spec.waitFor?.done({ status, body }, input, {}),
          spec.waitFor?.failed({ status, body }, input, {}),
        ]
        return !told.includes(true)
      }),
      { numRuns: 10 },
    )
  })

  it.each(named)('%s takes an answer without a body neither for the end nor for nothing to do', (_name, spec) => {
    const input = inputOf(spec)
    const seen = { status: 200 }
    expect(spec.alreadyDone?.when(seen, input) ?? false).toBe(false)
    expect(spec.waitFor?.done(seen, input, {}) ?? false).toBe(false)
    expect(spec.waitFor?.failed(seen, input, {}) ?? false).toBe(false)
  })
})

describe('an action that does not exist', () => {
  it('is refused, naming those of the same thing', () => {
    expect(messageOf(thrownBy(() => actionNamed('server.levitate')))).toMatch(
      /no action server\.levitate; server has start, stop/,
    )
    expect(codeOf(thrownBy(() => actionNamed('constructor')))).toBe('INPUT_INVALID')
    expect(messageOf(thrownBy(() => actionNamed('teapot.boil')))).toBe('there is no action teapot.boil')
  })
})

function madeBy(run: () => Call | undefined): Call | undefined {
  try {
    return run()
  } catch (error) {
    if (codeOf(error) === 'INPUT_INVALID') return undefined
    throw error
  }
}

const refusalOf = (run: () => unknown) => codeOf(thrownBy(run))

function thrownBy(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  return undefined
}
