import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { cloudUp } from '../cloud/cloud.ts'
import { describeCloudContract } from '../contract/cloud-contract.ts'
import { logIn, projectScope } from '../contract/cloud-under-test.ts'

const basePort = Number(process.env.STEWARD_CONTRACT_PORT ?? 23100)
const Images = z.object({ images: z.array(z.object({ id: z.string() })) })

describeCloudContract('a real OpenStack', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'steward-contract-'))
  const cloud = await cloudUp({ dir: join(dir, 'cloud'), basePort })
  const real = {
    authUrl: cloud.endpoints.keystone,
    password: cloud.password,
    async image() {
      const { session } = await logIn(real, 'alice', projectScope('demo'))
      const { images } = await session.service('image').get('/v2/images', Images)
      return images[0]?.id ?? ''
    },
    failMigrations: (host: string, reason?: string) =>
      reason === undefined ? cloud.clearFaults(host) : cloud.setFault(host, { live_migration: reason }),
    letPass: (ms: number) => sleep(ms),
    everyMs: 200,
    async down() {
      await cloud.down()
      await rm(dir, { recursive: true, force: true })
    },
  }
  return real
})
