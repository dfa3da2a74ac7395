import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { vi } from 'vitest'
import { fakeIpmitool } from '../fakes/bmc/ipmitool.ts'
import { fakeRedfish } from '../fakes/bmc/redfish.ts'
import { describeIpmiContract } from './ipmi.ts'
import { describeRedfishContract } from './redfish.ts'

const letPass = async (ms: number) => void vi.setSystemTime(Date.now() + ms)

describeRedfishContract('the fake Redfish', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  const { url, user, password, close } = await fakeRedfish({ power: 'Off', settleMs: 5_000 })
  const folder = await mkdtemp(join(tmpdir(), 'steward-redfish-'))
  const files = { passwordFile: join(folder, 'password'), wrongPasswordFile: join(folder, 'wrong') }
  await writeFile(files.passwordFile, password)
  await writeFile(files.wrongPasswordFile, 'wrong')
  return {
    ...{ url, user, password, ...files, letPass },
    async down() {
      vi.useRealTimers()
      await close()
      await rm(folder, { recursive: true })
    },
  }
})

describeIpmiContract('the fake ipmitool', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  const { folder, close, setPower, ...login } = await fakeIpmitool()
  vi.stubEnv('PATH', `${folder}:${process.env.PATH}`)
  await setPower('off')
  return {
    ...{ address: 'bmc1', port: 623, closedPort: 9, password: 'right', ...login, letPass },
    async down() {
      vi.useRealTimers()
      vi.unstubAllEnvs()
      await close()
    },
  }
})
