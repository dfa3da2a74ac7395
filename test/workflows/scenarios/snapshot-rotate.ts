import { marksOf } from '../../../policies/rotation.ts'
import { actionsOn } from './actions.ts'
import { idOf, type Scenario } from './scenario.ts'

const of = idOf(1)
const series = { prefix: 'nightly', of }
const keep = 2

export const scenario: Scenario = {
  input: { servers: [of], prefix: series.prefix, keep },
  world(did) {
    const imageOf = (n: number, name: string, marks: object) => ({
      ...{ id: idOf(n), name, status: 'active', owner: 'p1', protected: false, instance_uuid: of, ...marks },
    })
    const old = (n: number) => {
      const name = `nightly-2026110${n}T020000Z`
      return imageOf(n, name, marksOf(series, name))
    }
    let images = [old(1), old(2), old(3)]
    let made = 10
    const has = (id: unknown) => images.some((image) => image.id === id)
    return {
      activities: {
        ...actionsOn(
          {
            'server.snapshot': {
              apply: ({ name, marks }) => {
                made += 1
                images.push(imageOf(made, String(name), marks as object))
                return { image_id: idOf(made) }
              },
            },
            'image.delete': {
              isDone: ({ imageId }) => !has(imageId),
              apply: ({ imageId }) => {
                images = images.filter(({ id }) => id !== imageId)
              },
            },
          },
          did,
        ),
        readCloud: async ({ path }) =>
          path.startsWith('/servers/')
            ? { status: 200, body: { server: { image: { id: idOf(9) }, 'OS-EXT-STS:task_state': null } } }
            : { status: 200, body: { images } },
      },
      // copies are left on purpose; what must never be is fewer than were to be kept
      left: () => (images.length >= keep ? [] : [`only ${images.length} images are left`]),
    }
  },
}
