import { z } from 'zod'
import { type ActionSpec, at, define, isGone, isOneOf, type Known, type Seen } from './entry.ts'
import { Marks, Name, Uuid, uuidIn } from './inputs.ts'
import {
  actOnServer,
  apiRef,
  isIdle,
  isIdleIn,
  restsIn,
  ServerInput,
  serverTarget,
  showServer,
  simple,
  statusOf,
} from './servers.ts'
import { becomesActiveImage } from './waits.ts'

const compute = { service: 'compute', needsRole: 'member', targets: serverTarget } as const

/** Before 2.47 Nova shows the id of the flavor; later only its figures. */
const flavorOf = (body: unknown) => at(body, 'server', 'flavor', 'id')
const undoImage = (_input: ServerInput, { result }: Known) => {
  const imageId = uuidIn(at(result, 'image_id'))
  return imageId === undefined ? undefined : { action: 'image.delete', input: { imageId } }
}
const rename = ({ serverId, name }: { serverId: string; name: string }) => ({
  service: 'compute',
  method: 'PUT' as const,
  path: `/servers/${serverId}`,
  body: { server: { name } },
})

/** What changes the form of a server: flavor, disks, names. */
export const serverShape: readonly ActionSpec[] = [
  define({
    ...compute,
    name: 'server.resize',
    title: 'Resize a server to another flavor',
    see: `${apiRef}resize-server-resize-action`,
    input: ServerInput.extend({
      flavorId: z
        .string()
        .regex(/^[A-Za-z0-9](?:[A-Za-z0-9_. -]{0,253}[A-Za-z0-9_.-])?$/)
        .describe('id of the flavor'),
    }),
    repeatable: false,
    notes: [
      'Ends in VERIFY_RESIZE: confirm it, or the old disk stays on the old host for ever.',
      'Clouds with `resize_confirm_window` confirm by themselves.',
      'An ACTIVE server is shut down for it; a disk cannot become smaller; one flavor to the same is refused with 400.',
    ],
    calls: (input) => actOnServer(input, { resize: { flavorRef: input.flavorId } }),
    alreadyDone: {
      read: (input) => showServer(input),
      when: ({ body }, { flavorId }) =>
        isIdleIn(['ACTIVE', 'SHUTOFF', 'VERIFY_RESIZE'], body) && flavorOf(body) === flavorId,
    },
    waitFor: {
      ...restsIn(['VERIFY_RESIZE'], 120, 3600),
      done: ({ body }, { flavorId }) =>
        isIdleIn(['ACTIVE', 'SHUTOFF', 'VERIFY_RESIZE'], body) && flavorOf(body) === flavorId,
      failed: (seen, { flavorId }) =>
        isGone(seen) ||
        (isIdle(seen.body) && (statusOf(seen.body) === 'ERROR' || hasOther(flavorOf(seen.body), flavorId))),
    },
    undo: ({ serverId }) => ({ action: 'server.revert-resize', input: { serverId } }),
  }),
  define({
    ...compute,
    name: 'server.confirm-resize',
    title: 'Confirm a resize or cold migration',
    see: `${apiRef}confirm-resized-server-confirmresize-action`,
    input: ServerInput,
    notes: [
      'Answers 204 at once; the status stays VERIFY_RESIZE until the old host has cleaned up.',
      'The way back is gone with it.',
    ],
    calls: (input) => actOnServer(input, { confirmResize: null }),
    alreadyDone: { read: (input) => showServer(input), when: () => false },
    waitFor: {
      ...restsIn(['ACTIVE', 'SHUTOFF'], 15, 900),
      // Nova writes no task for it
      failed: (seen) =>
        isGone(seen) || (isIdle(seen.body) && !isOneOf(['ACTIVE', 'SHUTOFF', 'VERIFY_RESIZE'], statusOf(seen.body))),
    },
  }),
  simple({
    name: 'server.revert-resize',
    title: 'Take back a resize or cold migration',
    anchor: 'revert-resized-server-revertresize-action',
    action: 'revertResize',
    to: ['ACTIVE', 'SHUTOFF'],
    settles: false,
    typicalSeconds: 60,
    limitSeconds: 1800,
    notes: ['Only from VERIFY_RESIZE, and what was written since the resize is lost with local disks.'],
    destructive: true,
  }),
  define({
    ...compute,
    name: 'server.snapshot',
    title: 'Make an image from a server',
    see: `${apiRef}create-image-createimage-action`,
    input: ServerInput.extend({ name: Name.describe('name of the image'), marks: Marks.optional() }),
    repeatable: false,
    notes: [
      'The id of the image is in the body from 2.45 on; before, in the Location header.',
      'For a server on volumes the image is active at once and holds no data: snapshots of all its volumes are made in Cinder, against the quota.',
      'Disks are caught as after a power failure, unless the guest agent freezes them.',
    ],
    leaves: { '/image_id': Uuid },
    calls: (input) => {
      const { name, marks } = input
      return actOnServer(input, { createImage: { name, ...(marks && { metadata: marks }) } }, '2.45')
    },
    waitFor: becomesActiveImage((result) => at(result, 'image_id'), { typicalSeconds: 180, limitSeconds: 14_400 }),
    undo: undoImage,
  }),
  define({
    ...compute,
    name: 'server.backup',
    title: 'Make a backup image of a server and delete the oldest ones',
    see: `${apiRef}create-server-back-up-createbackup-action`,
    input: ServerInput.extend({
      name: Name.describe('name of the image'),
      kind: z.enum(['daily', 'weekly']).describe('which images are rotated together'),
      keep: z.int().min(1).max(1000).describe('how many images of this kind to keep'),
    }),
    repeatable: false,
    destructive: true,
    notes: [
      'Not for servers on volumes: they answer 400.',
      'Deletes the oldest images of its kind beyond `keep`, also when this one fails later.',
    ],
    leaves: { '/image_id': Uuid },
    calls: (input) =>
      actOnServer(input, { createBackup: { name: input.name, backup_type: input.kind, rotation: input.keep } }, '2.45'),
    waitFor: becomesActiveImage((result) => at(result, 'image_id'), { typicalSeconds: 180, limitSeconds: 14_400 }),
  }),
  define({
    ...compute,
    name: 'server.rebuild',
    title: 'Rebuild a server from an image, on the same host with the same addresses',
    see: `${apiRef}rebuild-server-rebuild-action`,
    input: ServerInput.extend({
      imageId: Uuid.describe('the image'),
      replaceVolume: z
        .boolean()
        .default(false)
        .describe('for a server on a volume: overwrite it with the image (needs 2.93)'),
    }),
    repeatable: false,
    destructive: true,
    notes: [
      'Everything on the root disk is lost.',
      'Without `replaceVolume` a server on a volume keeps its data if the image is that of the volume, else it is refused.',
      'A server that was SHUTOFF ends SHUTOFF.',
    ],
    calls: (input) =>
      actOnServer(input, { rebuild: { imageRef: input.imageId } }, input.replaceVolume ? '2.93' : undefined),
    waitFor: restsIn(['ACTIVE', 'SHUTOFF'], 60, 3600),
  }),
  define({
    ...compute,
    name: 'server.rename',
    title: 'Give a server another name',
    see: `${apiRef}update-server`,
    input: ServerInput.extend({ name: Name.describe('new name') }),
    notes: ['The host name inside the guest stays as it is.'],
    calls: rename,
    alreadyDone: {
      read: (input) => showServer(input),
      when: ({ body }, { name }) => at(body, 'server', 'name') === name,
    },
    undo: ({ serverId }, { before }) => {
      const name = Name.safeParse(at(before, 'server', 'name')).data
      return name === undefined ? undefined : { action: 'server.rename', input: { serverId, name } }
    },
  }),
  define({
    ...compute,
    name: 'server.set-metadata',
    title: 'Set metadata of a server',
    see: `${apiRef}create-or-update-metadata-items`,
    input: ServerInput.extend({
      metadata: z
        .record(z.string().regex(/^[a-zA-Z0-9_:. -]{1,255}$/), z.string().max(255))
        .refine((items) => Object.keys(items).length > 0, 'name at least one key')
        .describe('keys to set; others stay'),
    }),
    calls: ({ serverId, metadata }) => ({
      service: 'compute',
      method: 'POST',
      path: `/servers/${serverId}/metadata`,
      body: { metadata },
    }),
    alreadyDone: {
      read: (input) => showServer(input),
      when: ({ body }, { metadata }) =>
        Object.entries(metadata).every(([key, value]) => at(body, 'server', 'metadata', key) === value),
    },
  }),
  define({
    ...compute,
    name: 'server.delete',
    title: 'Delete a server',
    see: `${apiRef}delete-server`,
    input: ServerInput,
    destructive: true,
    notes: [
      'Volumes attached with `delete_on_termination` are deleted too.',
      'A locked server is refused to all but administrators.',
    ],
    calls: ({ serverId }) => ({ service: 'compute', method: 'DELETE', path: `/servers/${serverId}` }),
    alreadyDone: { read: (input) => showServer(input), when: isDeleted },
    waitFor: deletes(true),
  }),
  define({
    ...compute,
    name: 'server.force-delete',
    title: 'Delete a server at once, without the time to restore it',
    see: `${apiRef}force-delete-server-forcedelete-action`,
    input: ServerInput,
    destructive: true,
    calls: (input) => actOnServer(input, { forceDelete: null }),
    alreadyDone: { read: (input) => showServer(input), when: isGone },
    waitFor: deletes(false),
  }),
]

const hasOther = (flavorId: unknown, wanted: string) => typeof flavorId === 'string' && flavorId !== wanted

function isDeleted(seen: Seen): boolean {
  return isGone(seen) || isOneOf(['DELETED', 'SOFT_DELETED'], statusOf(seen.body))
}

/** Waits for a server to be gone; where deletion is deferred, a soft one ends in SOFT_DELETED. */
function deletes(maySoftly: boolean) {
  const isOver = (seen: Seen) => (maySoftly ? isDeleted(seen) : isGone(seen) || statusOf(seen.body) === 'DELETED')
  return {
    read: (input: ServerInput) => showServer(input),
    done: isOver,
    failed: (seen: Seen) => !isOver(seen) && isIdle(seen.body) && statusOf(seen.body) === 'ERROR',
    typicalSeconds: 15,
    limitSeconds: 900,
  }
}
