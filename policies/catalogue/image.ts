import { z } from 'zod'
import type { Call } from '../../core/call.ts'
import { type ActionSpec, at, define, isGone } from './entry.ts'
import { KeystoneId, Uuid } from './inputs.ts'

const apiRef = 'https://docs.openstack.org/api-ref/image/v2/#'
const images = { service: 'image', needsRole: 'member' } as const
const ImageInput = z.strictObject({ imageId: Uuid.describe('the image') })
type ImageInput = z.infer<typeof ImageInput>
const ShareInput = ImageInput.extend({ projectId: KeystoneId.describe('the project it is shared with') })
type ShareInput = z.infer<typeof ShareInput>

const showImage = ({ imageId }: ImageInput): Call => ({
  service: 'image',
  method: 'GET',
  path: `/v2/images/${imageId}`,
})
const showMember = ({ imageId, projectId }: ShareInput): Call => ({
  service: 'image',
  method: 'GET',
  path: `/v2/images/${imageId}/members/${projectId}`,
})
const imageTarget = ({ imageId }: ImageInput) => [`image/${imageId}`]

const activity = (verb: 'deactivate' | 'reactivate', to: string, back: string, notes: readonly string[]) =>
  define({
    ...images,
    name: `image.${verb}`,
    title: verb === 'deactivate' ? 'Have an image used no more, without deleting it' : 'Let an image be used again',
    see: `${apiRef}${verb}-image`,
    input: ImageInput,
    notes,
    calls: (input) => ({ ...showImage(input), method: 'POST', path: `${showImage(input).path}/actions/${verb}` }),
    alreadyDone: { read: showImage, when: ({ body }) => at(body, 'status') === to },
    undo: (input, { before }) => (at(before, 'status') === to ? undefined : { action: `image.${back}`, input }),
    targets: imageTarget,
  })

const answer = (verb: 'accept' | 'reject', status: string) =>
  define({
    ...images,
    name: `image.${verb}`,
    title:
      verb === 'accept' ? 'Have an image that is shared with you in your list' : 'Have a shared image out of your list',
    see: `${apiRef}update-image-member`,
    input: ShareInput,
    notes: ['For the project it is shared with, not for the owner.'],
    calls: (input) => ({ ...showMember(input), method: 'PUT', body: { status } }),
    alreadyDone: { read: showMember, when: ({ body }) => at(body, 'status') === status },
    targets: imageTarget,
  })

/** Glance. Names and visibility are changed by JSON patches, which a call of Steward cannot carry. */
export const image: readonly ActionSpec[] = [
  activity('deactivate', 'deactivated', 'reactivate', [
    'Servers made from it run on, but cannot be rebuilt, resized or rescued from it.',
    'Administrators only in clouds with older policies.',
  ]),
  activity('reactivate', 'active', 'deactivate', ['Administrators only in clouds with older policies.']),
  define({
    ...images,
    name: 'image.share',
    title: 'Share an image with another project',
    see: `${apiRef}create-image-member`,
    input: ShareInput,
    notes: [
      'The visibility of the image must be `shared`.',
      'The other project sees it in lists only after accepting it.',
    ],
    calls: ({ imageId, projectId }) => ({
      service: 'image',
      method: 'POST',
      path: `/v2/images/${imageId}/members`,
      body: { member: projectId },
    }),
    alreadyDone: { read: showMember, when: ({ body }, { projectId }) => at(body, 'member_id') === projectId },
    undo: (input) => ({ action: 'image.unshare', input }),
    targets: imageTarget,
  }),
  define({
    ...images,
    name: 'image.unshare',
    title: 'Share an image with a project no more',
    see: `${apiRef}delete-image-member`,
    input: ShareInput,
    calls: (input) => ({ ...showMember(input), method: 'DELETE' }),
    alreadyDone: { read: showMember, when: isGone },
    undo: (input, { before }) =>
      at(before, 'member_id') === input.projectId ? { action: 'image.share', input } : undefined,
    targets: imageTarget,
  }),
  answer('accept', 'accepted'),
  answer('reject', 'rejected'),
  define({
    ...images,
    name: 'image.delete',
    title: 'Delete an image',
    see: `${apiRef}delete-image`,
    input: ImageInput,
    destructive: true,
    notes: ['A protected image is refused, and so is one whose data is in use as a copy-on-write base (409).'],
    calls: (input) => ({ ...showImage(input), method: 'DELETE' }),
    alreadyDone: { read: showImage, when: isGone },
    targets: imageTarget,
  }),
]
