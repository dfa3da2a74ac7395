import { vi } from 'vitest'
import { fakeCloud } from '../../simulator/cloud.ts'
import { describeCloudContract } from './cloud-contract.ts'

describeCloudContract('the fake cloud', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  const { authUrl, password, host, close } = await fakeCloud()
  return {
    authUrl,
    password,
    image: async () => 'any',
    failMigrations: async (name, reason) => void Object.assign(host(name), { migrationFault: reason }),
    letPass: async (ms) => void vi.setSystemTime(Date.now() + ms),
    everyMs: 1,
    async down() {
      vi.useRealTimers()
      await close()
    },
  }
})
