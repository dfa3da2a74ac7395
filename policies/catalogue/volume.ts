import { z } from 'zod'
import type { Call } from '../../core/call.ts'
import { type ActionSpec, at, define, isGone, isOneOf } from './entry.ts'
import { Name, Uuid, uuidIn } from './inputs.ts'
import { volumeCopies } from './volume-copies.ts'
import {
  apiRef,
  call,
  goesAway,
  showVolume,
  VolumeInput,
  volumeRests,
  volumeStatus,
  volumes,
  volumeTarget,
} from './volumes.ts'
import { becomesActiveImage } from './waits.ts'

const act = ({ volumeId }: VolumeInput, body: Call['body'] & {}, microversion?: string) =>
  call('POST', `/volumes/${volumeId}/action`, body, microversion)
const hasType = (body: unknown, { type }: { type: string }) => at(body, 'volume', 'volume_type') === type
const hasSize = (body: unknown, { sizeGiB }: { sizeGiB: number }) => at(body, 'volume', 'size') === sizeGiB
const isQuiet = (body: unknown) => isOneOf(['available', 'in-use'], volumeStatus(body))

/** Cinder. Attaching and detaching are calls to Nova. */
export const volume: readonly ActionSpec[] = [
  ...volumeCopies,
  define({
    ...volumes,
    name: 'volume.extend',
    title: 'Make a volume larger',
    see: `${apiRef}extend-a-volume-size`,
    input: VolumeInput.extend({ sizeGiB: z.int().min(1).max(1_048_576).describe('new size') }),
    repeatable: false,
    notes: [
      'A volume never becomes smaller again.',
      'Volumes in use need 3.42 and a storage that can; the guest then has to enlarge its file system.',
    ],
    calls: (input) => act(input, { 'os-extend': { new_size: input.sizeGiB } }, '3.42'),
    alreadyDone: { read: showVolume, when: ({ body }, input) => isQuiet(body) && hasSize(body, input) },
    waitFor: volumeRests<VolumeInput & { sizeGiB: number }>(hasSize, 15, 3600),
    targets: volumeTarget,
  }),
  define({
    ...volumes,
    name: 'volume.retype',
    title: 'Give a volume another type, moving its data if need be',
    see: `${apiRef}retype-a-volume`,
    input: VolumeInput.extend({
      type: Name.describe('name of the volume type, not its id'),
      mayMove: z.boolean().default(false).describe('copy the data to another storage if the type asks for it'),
    }),
    repeatable: false,
    notes: ['A volume with snapshots cannot be moved.', 'Moving copies all data and takes as long.'],
    calls: (input) =>
      act(input, { 'os-retype': { new_type: input.type, migration_policy: input.mayMove ? 'on-demand' : 'never' } }),
    alreadyDone: { read: showVolume, when: ({ body }, input) => isQuiet(body) && hasType(body, input) },
    waitFor: volumeRests<VolumeInput & { type: string }>(hasType, 60, 86_400),
    undo: ({ volumeId, mayMove }, { before }) => {
      const type = Name.safeParse(at(before, 'volume', 'volume_type')).data
      return type === undefined ? undefined : { action: 'volume.retype', input: { volumeId, type, mayMove } }
    },
    targets: volumeTarget,
  }),
  define({
    ...volumes,
    name: 'volume.revert',
    title: 'Take a volume back to its latest snapshot',
    see: `${apiRef}revert-volume-to-snapshot`,
    input: VolumeInput.extend({ snapshotId: Uuid.describe('its latest snapshot') }),
    repeatable: false,
    destructive: true,
    notes: ['Only the latest snapshot, and only a volume that is `available`.', 'All that was written since is lost.'],
    calls: (input) => act(input, { revert: { snapshot_id: input.snapshotId } }, '3.40'),
    waitFor: volumeRests<VolumeInput>((body) => volumeStatus(body) === 'available', 60, 14_400),
    targets: ({ volumeId, snapshotId }) => [`volume/${volumeId}`, `snapshot/${snapshotId}`],
  }),
  define({
    ...volumes,
    name: 'volume.upload',
    title: 'Make an image from a volume',
    see: `${apiRef}upload-volume-to-image`,
    input: VolumeInput.extend({
      name: Name.describe('name of the image'),
      format: z
        .enum(['raw', 'qcow2', 'vmdk', 'vdi', 'vhd', 'vhdx'])
        .default('raw')
        .describe('disk format of the image'),
    }),
    repeatable: false,
    notes: ['Only a volume that is `available`.', 'An encrypted volume can be uploaded as `raw` only.'],
    leaves: { '/os-volume_upload_image/image_id': Uuid },
    calls: ({ volumeId, name, format }) =>
      act(
        { volumeId },
        { 'os-volume_upload_image': { image_name: name, disk_format: format, container_format: 'bare' } },
      ),
    waitFor: becomesActiveImage((result) => at(result, 'os-volume_upload_image', 'image_id'), {
      typicalSeconds: 300,
      limitSeconds: 43_200,
    }),
    undo: (_input, { result }) => {
      const imageId = uuidIn(at(result, 'os-volume_upload_image', 'image_id'))
      return imageId === undefined ? undefined : { action: 'image.delete', input: { imageId } }
    },
    targets: volumeTarget,
  }),
  define({
    ...volumes,
    name: 'volume.set-bootable',
    title: 'Say whether a volume can be booted from',
    see: `${apiRef}update-a-volume-s-bootable-status`,
    input: VolumeInput.extend({ bootable: z.boolean() }),
    calls: (input) => act(input, { 'os-set_bootable': { bootable: input.bootable } }),
    alreadyDone: {
      read: showVolume,
      when: ({ body }, { bootable }) => at(body, 'volume', 'bootable') === String(bootable),
    },
    undo: ({ volumeId, bootable }, { before }) =>
      at(before, 'volume', 'bootable') === String(!bootable)
        ? { action: 'volume.set-bootable', input: { volumeId, bootable: !bootable } }
        : undefined,
    targets: volumeTarget,
  }),
  define({
    ...volumes,
    name: 'volume.set-read-only',
    title: 'Say whether a volume may be written to',
    see: `${apiRef}updates-volume-read-only-access-mode-flag`,
    input: VolumeInput.extend({ readOnly: z.boolean() }),
    notes: ['Takes effect the next time the volume is attached; only a volume that is `available`.'],
    calls: (input) => act(input, { 'os-update_readonly_flag': { readonly: input.readOnly } }),
    targets: volumeTarget,
  }),
  define({
    ...volumes,
    name: 'volume.rename',
    title: 'Give a volume another name',
    see: `${apiRef}update-a-volume`,
    input: VolumeInput.extend({ name: Name.describe('new name') }),
    calls: ({ volumeId, name }) => call('PUT', `/volumes/${volumeId}`, { volume: { name } }),
    alreadyDone: { read: showVolume, when: ({ body }, { name }) => at(body, 'volume', 'name') === name },
    undo: ({ volumeId }, { before }) => {
      const name = Name.safeParse(at(before, 'volume', 'name')).data
      return name === undefined ? undefined : { action: 'volume.rename', input: { volumeId, name } }
    },
    targets: volumeTarget,
  }),
  define({
    ...volumes,
    name: 'volume.reset-status',
    title: 'Write another status of a volume into the database of Cinder',
    see: `${apiRef}reset-a-volume-s-statuses`,
    input: VolumeInput.extend({ status: z.enum(['available', 'in-use', 'error']).describe('status to write') }),
    needsRole: 'admin',
    notes: [
      'Changes what Cinder believes, not the volume: a volume in use that is called available can be written to twice.',
    ],
    calls: (input) => act(input, { 'os-reset_status': { status: input.status } }),
    alreadyDone: { read: showVolume, when: ({ body }, { status }) => volumeStatus(body) === status },
    targets: volumeTarget,
  }),
  define({
    ...volumes,
    name: 'volume.delete',
    title: 'Delete a volume',
    see: `${apiRef}delete-a-volume`,
    input: VolumeInput,
    destructive: true,
    notes: ['Only a volume that is not attached and has no snapshots.'],
    calls: (input) => ({ ...showVolume(input), method: 'DELETE' }),
    alreadyDone: { read: showVolume, when: isGone },
    waitFor: goesAway(showVolume, 'volume', 7200),
    targets: volumeTarget,
  }),
]
