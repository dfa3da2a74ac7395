import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { eventually } from '../../demo/stage/eventually.ts'
import { startIpmiBmc, startSushy } from '../cloud/bmc.ts'
import { describeIpmiContract } from '../contract/ipmi.ts'
import { stewardAt } from '../contract/power.ts'
import { describeRedfishContract } from '../contract/redfish.ts'
import { closedPort } from '../openstack/server.ts'

const fixture = (name: string) => fileURLToPath(new URL(`../openstack/fixtures/${name}`, import.meta.url))
const certFile = fixture('localhost-cert.pem')

/** A folder with the passwords that are right and wrong. */
async function prepare() {
  const dir = await mkdtemp(join(tmpdir(), 'steward-bmc-'))
  const login = { user: 'fencer', password: 'pw-of-the-bmc' }
  const files = { passwordFile: join(dir, 'right'), wrongPasswordFile: join(dir, 'wrong') }
  await writeFile(files.passwordFile, `${login.password}\n`)
  await writeFile(files.wrongPasswordFile, 'wrong\n')
  return { dir, port: await closedPort(), ...login, ...files, letPass: (ms: number) => sleep(ms) }
}

type Prepared = Awaited<ReturnType<typeof prepare>>
type Steward = ReturnType<typeof stewardAt>
const answers = (steward: Steward) =>
  eventually('the BMC', () => steward.look().catch(() => undefined), { withinMs: 30_000 })
const ending = (stop: () => Promise<void>, { dir }: Prepared) => ({
  async down() {
    await stop()
    await rm(dir, { recursive: true, force: true })
  },
})

describeRedfishContract('a real Redfish service (sushy-emulator)', async () => {
  const prepared = await prepare()
  const { dir, port, user, passwordFile } = prepared
  const { stop } = await startSushy(dir, { ...prepared, certFile, keyFile: fixture('localhost-key.pem') })
  const url = `https://127.0.0.1:${port}`
  const bmc = { ...prepared, ...ending(stop, prepared), url, caFile: certFile, ca: await readFile(certFile, 'utf8') }
  await answers(stewardAt(bmc, { redfish: { url, user, passwordFile, caFile: certFile } }))
  return bmc
})

describeIpmiContract('the real ipmitool and a BMC (pyghmi)', async () => {
  const prepared = await prepare()
  const { port, user, passwordFile } = prepared
  const { stop } = await startIpmiBmc(prepared)
  const address = '127.0.0.1'
  const bmc = { ...prepared, ...ending(stop, prepared), address }
  await answers(stewardAt(bmc, { ipmi: { address, port, user, passwordFile } }))
  return bmc
})
