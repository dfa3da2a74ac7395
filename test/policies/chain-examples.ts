import type { StepRecord } from '../../core/chain.ts'
import { id } from './catalogue/examples.ts'

export const from = ($from: string, pointer: string) => ({ $from, pointer })
export const stop = (stepId: string, more: object = {}) => ({
  id: stepId,
  action: 'server.stop',
  with: { serverId: id.server },
  ...more,
})
export const snap = { id: 'snap', action: 'server.snapshot', with: { serverId: id.server, name: 'nightly' } }
export const share = {
  id: 'share',
  action: 'image.share',
  with: { imageId: from('snap', '/image_id'), projectId: id.project },
}
export const raw = {
  id: 'tag',
  action: { service: 'image', method: 'PUT', path: '/v2/images/{imageId}/tags/nightly' },
  with: { imageId: from('snap', '/image_id') },
}
export const done = (stepId: string, more: object = {}): StepRecord => ({ id: stepId, state: 'done', ...more })
export const snapped = done('snap', { result: { image_id: id.image } })
