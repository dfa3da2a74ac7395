import { z } from 'zod'
import { type ActionSpec, at, define, isGone, isOneOf, type Known, type Seen } from './entry.ts'
import { Marks, Name, Uuid, uuidIn } from './inputs.ts'
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

const SnapshotInput = z.strictObject({ snapshotId: Uuid.describe('the snapshot') })
const BackupInput = z.strictObject({ backupId: Uuid.describe('the backup') })
const showSnapshot = ({ snapshotId }: { snapshotId: string }) => call('GET', `/snapshots/${snapshotId}`)
const showBackup = ({ backupId }: { backupId: string }) => call('GET', `/backups/${backupId}`)

/** Waits for the thing that the answer to the call named. */
const becomesAvailable = (kind: 'snapshot' | 'backup', typicalSeconds: number, limitSeconds: number) => ({
  read: (_input: unknown, { result }: Known) => {
    const id = uuidIn(at(result, kind, 'id'))
    return id === undefined ? undefined : call('GET', `/${kind}s/${id}`)
  },
  done: ({ body }: Seen) => at(body, kind, 'status') === 'available',
  failed: (seen: Seen) => isGone(seen) || at(seen.body, kind, 'status') === 'error',
  typicalSeconds,
  limitSeconds,
})

const undoMaking =
  (kind: 'snapshot' | 'backup') =>
  (_input: unknown, { result }: Known) => {
    const id = uuidIn(at(result, kind, 'id'))
    return id === undefined ? undefined : { action: `${kind}.delete`, input: { [`${kind}Id`]: id } }
  }

/** Snapshots and backups of volumes. */
export const volumeCopies: readonly ActionSpec[] = [
  define({
    ...volumes,
    name: 'volume.snapshot',
    title: 'Make a snapshot of a volume',
    see: `${apiRef}create-a-snapshot`,
    input: VolumeInput.extend({ name: Name.describe('name of the snapshot'), marks: Marks.optional() }),
    repeatable: false,
    notes: [
      'A volume in use is caught as after a power failure; `force` is sent, which is needed before 3.66 and ignored after.',
      'A snapshot lies on the same storage: it is no backup. A volume with snapshots cannot be deleted.',
    ],
    leaves: { '/snapshot/id': Uuid },
    calls: ({ volumeId, name, marks }) =>
      call('POST', '/snapshots', {
        snapshot: { volume_id: volumeId, name, force: true, ...(marks && { metadata: marks }) },
      }),
    waitFor: becomesAvailable('snapshot', 15, 3600),
    undo: undoMaking('snapshot'),
    targets: volumeTarget,
  }),
  define({
    ...volumes,
    name: 'snapshot.delete',
    title: 'Delete a snapshot of a volume',
    see: `${apiRef}delete-a-snapshot`,
    input: SnapshotInput,
    destructive: true,
    calls: (input) => ({ ...showSnapshot(input), method: 'DELETE' }),
    alreadyDone: { read: showSnapshot, when: isGone },
    waitFor: goesAway(showSnapshot, 'snapshot', 3600),
    targets: ({ snapshotId }) => [`snapshot/${snapshotId}`],
  }),
  define({
    ...volumes,
    name: 'volume.backup',
    title: 'Back a volume up',
    see: `${apiRef}create-a-backup`,
    input: VolumeInput.extend({
      name: Name.describe('name of the backup'),
      incremental: z.boolean().default(false).describe('only what changed since the newest backup of the volume'),
    }),
    repeatable: false,
    notes: [
      'A volume in use is backed up too (`force`), as it is at that moment.',
      'An incremental backup needs a full one before it, and a full one with children cannot be deleted.',
      'The volume is in `backing-up` meanwhile and takes no other action.',
    ],
    leaves: { '/backup/id': Uuid },
    calls: ({ volumeId, name, incremental }) =>
      call('POST', '/backups', { backup: { volume_id: volumeId, name, incremental, force: true } }),
    waitFor: becomesAvailable('backup', 600, 43_200),
    undo: undoMaking('backup'),
    targets: volumeTarget,
  }),
  define({
    ...volumes,
    name: 'backup.delete',
    title: 'Delete a backup of a volume',
    see: `${apiRef}delete-a-backup`,
    input: BackupInput,
    destructive: true,
    notes: ['Refused while incremental backups rest on it.'],
    calls: (input) => ({ ...showBackup(input), method: 'DELETE' }),
    alreadyDone: { read: showBackup, when: isGone },
    waitFor: goesAway(showBackup, 'backup', 7200),
    targets: ({ backupId }) => [`backup/${backupId}`],
  }),
  define({
    ...volumes,
    name: 'backup.restore',
    title: 'Write a backup over a volume',
    see: `${apiRef}restore-a-backup`,
    input: BackupInput.extend({ volumeId: Uuid.describe('the volume to overwrite') }),
    repeatable: false,
    destructive: true,
    notes: ['The volume must be `available` and at least as large as the backup.'],
    calls: ({ backupId, volumeId }) =>
      call('POST', `/backups/${backupId}/restore`, { restore: { volume_id: volumeId } }),
    waitFor: volumeRests<{ backupId: string; volumeId: string }>(
      (body) => volumeStatus(body) === 'available',
      600,
      43_200,
    ),
    targets: ({ backupId, volumeId }) => [`backup/${backupId}`, `volume/${volumeId}`],
  }),
  define({
    ...volumes,
    name: 'backup.restore-new',
    title: 'Write a backup to a new volume',
    see: `${apiRef}restore-a-backup`,
    input: BackupInput.extend({ name: Name.describe('name of the new volume') }),
    repeatable: false,
    leaves: { '/restore/volume_id': Uuid },
    calls: ({ backupId, name }) => call('POST', `/backups/${backupId}/restore`, { restore: { name } }),
    waitFor: {
      read: (_input, { result }) => {
        const volumeId = uuidIn(at(result, 'restore', 'volume_id'))
        return volumeId === undefined ? undefined : showVolume({ volumeId })
      },
      done: ({ body }) => volumeStatus(body) === 'available',
      failed: (seen) => isGone(seen) || isOneOf(['error', 'error_restoring'], volumeStatus(seen.body)),
      typicalSeconds: 600,
      limitSeconds: 43_200,
    },
    undo: (_input, { result }) => {
      const volumeId = uuidIn(at(result, 'restore', 'volume_id'))
      return volumeId === undefined ? undefined : { action: 'volume.delete', input: { volumeId } }
    },
    targets: ({ backupId }) => [`backup/${backupId}`],
  }),
]
