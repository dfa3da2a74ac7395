import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { codeOf, messageOf } from '../../core/errors.ts'
import { createChain, leftBy, resolveStep } from '../../policies/chain.ts'
import { readPointer, sizeOf } from '../../policies/chain-values.ts'
import { id } from './catalogue/examples.ts'
import { done, from, raw, share, snap, snapped, stop } from './chain-examples.ts'

describe('a chain', () => {
  it('is accepted with its defaults filled in', () => {
    const chain = createChain({ steps: [snap, share, raw] })
    expect(chain.steps.map(({ retries, onFailure }) => [retries, onFailure])).toEqual(Array(3).fill([0, 'stop']))
  })

  const mistakes: [what: string, steps: unknown[], said: RegExp][] = [
    ['without a step', [], /steps/],
    ['of too many steps', Array.from({ length: 21 }, (_, at) => stop(`s${at}`)), /steps/],
    ['with two steps of one name', [stop('a'), stop('a')], /steps\.1\.id: a is taken already/],
    [
      'with an action nobody knows',
      [{ ...stop('a'), action: 'server.levitate' }],
      /no action server\.levitate; server has/,
    ],
    ['with a reference to no step', [{ ...share }], /steps\.0\.with\.imageId: there is no step snap/],
    ['with a reference to a later step', [share, snap], /steps\.0\.with\.imageId: step snap has not run by then/],
    ['with a reference to itself', [{ ...raw, with: { imageId: from('tag', '/id') } }], /step tag has not run by then/],
    [
      'with half a reference',
      [snap, { ...share, with: { imageId: { $from: 'snap' }, projectId: 'x' } }],
      /a reference has/,
    ],
    ['with a pointer that is none', [snap, { ...raw, with: { imageId: from('snap', 'image_id') } }], /a reference has/],
    [
      'with a value the answer has not',
      [snap, { ...share, with: { ...share.with, imageId: from('snap', '/id') } }],
      /the answer of snap has \/image_id, not \/id/,
    ],
    [
      'with a name that is not saved',
      [{ ...snap, saves: { image: '/image_id' } }, share],
      /step snap saves image, not \/image_id/,
    ],
    [
      'with a saved part the answer has not',
      [
        { ...snap, saves: { image: '/oops' } },
        { ...share, with: { ...share.with, imageId: from('snap', '/image') } },
      ],
      /has \/image_id, not \/oops/,
    ],
    [
      'with a text where a number belongs',
      [snap, { id: 'x', action: 'volume.extend', with: { volumeId: id.volume, sizeGiB: from('snap', '/image_id') } }],
      /with\.sizeGiB: needs a integer, and step snap leaves a string/,
    ],
    [
      'with an input that does not fit',
      [{ ...stop('a'), with: { serverId: 'x' } }],
      /steps\.0\.with\.serverId: must be a UUID/,
    ],
    [
      'with a known value beside a reference that does not fit',
      [snap, { ...share, with: { ...share.with, projectId: '../x' } }],
      /with\.projectId: must be an id of Keystone/,
    ],
    [
      'with a value the action does not take',
      [snap, { ...share, with: { ...share.with, y: 1 } }],
      /with\.y: image\.share takes no such value/,
    ],
    [
      'with a value left out beside a reference',
      [snap, { ...share, with: { imageId: share.with.imageId } }],
      /with\.projectId: /,
    ],
    ['with a path that lacks its value', [{ ...raw, with: {} }], /with\.imageId: the path needs it/],
    [
      'with a value no path asks for',
      [snap, { ...raw, with: { ...raw.with, x: 1 } }],
      /with\.x: the path has no \{x\}/,
    ],
    [
      'with a reference in a body to no step',
      [{ ...raw, action: { ...raw.action, body: { a: [from('x', '')] } }, with: { imageId: 'a' } }],
      /action\.body\.a\.0: there is no step x/,
    ],
    ['tried again too often', [stop('a', { retries: 6 })], /retries/],
    ['with an unknown answer to failure', [stop('a', { onFailure: 'cry' })], /onFailure/],
  ]
  it.each(mistakes)('%s is refused, saying where', (_what, steps, said) => {
    const error = thrownBy(() => createChain({ steps }))
    expect(codeOf(error)).toBe('INPUT_INVALID')
    expect(messageOf(error)).toMatch(said)
  })

  it('that has several mistakes names them all', () => {
    const steps = [{ ...stop('a'), with: {} }, { ...share, with: {} }, stop('a')]
    const said = messageOf(thrownBy(() => createChain({ steps })))
    for (const part of ['steps.0.with.serverId', 'steps.1.with.imageId', 'steps.2.id']) expect(said).toContain(part)
  })

  it('may be 64 KiB long, counted in bytes, and no longer', () => {
    const chain = (text: string) => ({
      steps: [{ ...raw, action: { ...raw.action, body: { text } }, with: { imageId: 'a' } }],
    })
    const room = (64 << 10) - JSON.stringify(chain('')).length
    expect(createChain(chain('x'.repeat(room))).steps).toHaveLength(1)
    for (const text of ['x'.repeat(room + 1), 'é'.repeat(room / 2 + 1)])
      expect(messageOf(thrownBy(() => createChain(chain(text))))).toBe('a chain is at most 64 KiB of JSON')
  })

  it('may not be nested without end', () => {
    const deep = JSON.parse(`${'['.repeat(20_000)}${']'.repeat(20_000)}`)
    const given = { steps: [{ ...raw, action: { ...raw.action, body: { deep } }, with: { imageId: 'a' } }] }
    expect(messageOf(thrownBy(() => createChain(given)))).toBe('a chain is at most 32 levels deep')
  })

  it('is measured as JSON is written', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const { bytes } = sizeOf(value, { bytes: Number.POSITIVE_INFINITY, depth: Number.POSITIVE_INFINITY })
        return bytes === Buffer.byteLength(JSON.stringify(value))
      }),
    )
  })

  it('is refused or accepted, whatever it is, and never anything else', () => {
    const step = fc.record({
      id: fc.constantFrom('a', 'b', 'c', 'B', ''),
      action: fc.oneof(fc.constantFrom('server.stop', 'image.share', 'x.y', 'constructor.name'), fc.jsonValue()),
      with: fc.dictionary(
        fc.constantFrom('serverId', 'imageId', 'projectId', '__proto__', '$from'),
        fc.oneof(fc.jsonValue(), fc.constant(id.server), fc.constant(from('a', '/id'))),
      ),
    })
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.record({ steps: fc.array(step, { maxLength: 4 }) })), (given) => {
        const error = thrownBy(() => createChain(given))
        return error === undefined || codeOf(error) === 'INPUT_INVALID'
      }),
    )
  })
})

describe('a step', () => {
  const chain = createChain({ steps: [snap, share, raw] })
  const [, shareStep, rawStep] = chain.steps

  it('gets the values earlier steps left', () => {
    expect(shareStep && resolveStep(chain, shareStep, [snapped])).toEqual({
      ...{ action: 'image.share', input: { imageId: id.image, projectId: id.project } },
    })
    expect(rawStep && resolveStep(chain, rawStep, [snapped])).toEqual({
      call: { service: 'image', method: 'PUT', path: `/v2/images/${id.image}/tags/nightly` },
    })
  })

  it('gets the parts that were saved by their names, also inside of a body', () => {
    const named = createChain({
      steps: [
        { ...snap, saves: { image: '/image_id' } },
        {
          ...raw,
          action: { ...raw.action, body: { deep: [from('snap', '/image'), 1] } },
          with: { imageId: from('snap', '/image') },
        },
      ],
    })
    const step = named.steps[1]
    expect(step && resolveStep(named, step, [snapped])).toEqual({
      call: {
        service: 'image',
        method: 'PUT',
        path: `/v2/images/${id.image}/tags/nightly`,
        body: { deep: [id.image, 1] },
      },
    })
  })

  it.each([
    ['has not run', []],
    ['failed', [{ ...snapped, state: 'failed' as const }]],
    ['has an unknown outcome', [{ ...snapped, state: 'unknown' as const }]],
    ['did not leave it', [done('snap', { result: { Image_id: id.image } })]],
  ])('is told that the step it needs %s', (why, records) => {
    const error = thrownBy(() => shareStep && resolveStep(chain, shareStep, records))
    expect(codeOf(error)).toBe('RESULT_MISSING')
    expect(messageOf(error)).toBe(`step share needs /image_id of step snap, which ${why}`)
  })

  it('lets no value that an answer holds lead a path elsewhere', () => {
    const evil = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom('..', 'a/b', 'a/../b', '%2e%2e', 'a?b', 'a#b', '.', '', 'a;b', 'a b', 'a..b', `${id.image}/x`),
    )
    fc.assert(
      fc.property(evil, (image_id) => {
        for (const step of [shareStep, rawStep]) {
          const records = [done('snap', { result: { image_id } })]
          const run = () => step && resolveStep(chain, step, records)
          const error = thrownBy(run)
          if (error) expect(['INPUT_INVALID', 'RESULT_MISSING']).toContain(codeOf(error))
          else {
            const made = run()
            if (made && 'call' in made)
              expect(made.call.path).toMatch(/^\/v2\/images\/[A-Za-z0-9][\w.:~-]*\/tags\/nightly$/)
            else expect(image_id).toMatch(/^[0-9a-f-]{36}$/i)
          }
        }
      }),
    )
  })

  it('leaves nothing where the answer has nothing', () => {
    expect(leftBy({ saves: { a: '/x/0', b: '/y', c: '' } }, { x: [1] })).toEqual({ a: 1, c: { x: [1] } })
    expect(leftBy({ saves: { a: '/x' } }, undefined)).toEqual({})
    expect(leftBy({}, 5)).toBe(5)
  })

  it('is pointed at as RFC 6901 has it', () => {
    const document = { foo: ['bar', 'baz'], '': 0, 'a/b': 1, 'm~n': 8, '~1': 9 }
    const found = ['', '/foo', '/foo/0', '/', '/a~1b', '/m~0n', '/~01', '/foo/2', '/foo/01', '/foo/length', '/toString']
    expect(found.map((pointer) => readPointer(document, pointer))).toEqual([
      ...[document, ['bar', 'baz'], 'bar', 0, 1, 8, 9],
      ...[undefined, undefined, undefined, undefined],
    ])
  })
})

function thrownBy(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  return undefined
}
