import { describe, expect, it } from 'vitest'
import type { People } from './people.ts'

const microversion = '1.39'
const uuid = expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
const sizes = {
  compute1: { VCPU: 8, MEMORY_MB: 8192, DISK_GB: 100 },
  compute2: { VCPU: 4, MEMORY_MB: 4096, DISK_GB: 80 },
  compute3: { VCPU: 16, MEMORY_MB: 16384, DISK_GB: 200 },
}

export function describePlacement(known: () => People): void {
  describe('Placement', () => {
    it('says which microversions it has, and answers 406 for another', async () => {
      const { olga } = known()
      const { status, json } = await olga.ask('placement', 'GET', '/')
      expect(status).toBe(200)
      expect(json.versions).toEqual([
        expect.objectContaining({ id: 'v1.0', min_version: '1.0', max_version: expect.stringMatching(/^1\.\d+$/) }),
      ])
      const refused = await olga.ask('placement', 'GET', '/resource_providers', { microversion: '1.999' })
      expect(refused.status).toBe(406)
      expect(refused.json.errors[0].detail).toMatch('Unacceptable version header: 1.999')
    })

    it('has a resource provider for each hypervisor, with its size and what is given away', async () => {
      const { olga } = known()
      const { json } = await olga.ask('placement', 'GET', '/resource_providers', { microversion })
      const providers = json.resource_providers as { uuid: string; name: string }[]
      expect(new Set(providers.map(({ name }) => name))).toEqual(new Set(Object.keys(sizes)))
      for (const provider of providers) {
        expect(provider.uuid).toEqual(uuid)
        const path = `/resource_providers/${provider.uuid}`
        const one = await olga.ask('placement', 'GET', path, { microversion })
        expect(one.json).toMatchObject({ uuid: provider.uuid, name: provider.name })
        const { inventories } = (await olga.ask('placement', 'GET', `${path}/inventories`, { microversion })).json
        for (const [kind, total] of Object.entries(sizes[provider.name as keyof typeof sizes]))
          expect(inventories[kind]).toMatchObject({ total, reserved: 0, allocation_ratio: 1 })
        const { usages } = (await olga.ask('placement', 'GET', `${path}/usages`, { microversion })).json
        expect(usages).toEqual({ VCPU: expect.any(Number), MEMORY_MB: expect.any(Number), DISK_GB: expect.any(Number) })
      }
    })

    it('tells capacity, use and traits of all providers with room for one vCPU in one answer', async () => {
      const { olga } = known()
      const path = '/allocation_candidates?resources=VCPU:1'
      const { status, json } = await olga.ask('placement', 'GET', path, { microversion: '1.29' })
      expect(status).toBe(200)
      const summaries = Object.values(json.provider_summaries)
      expect(summaries.length).toBeGreaterThan(0)
      const amounts = { capacity: expect.any(Number), used: expect.any(Number) }
      for (const summary of summaries)
        expect(summary).toMatchObject({
          resources: { VCPU: amounts, MEMORY_MB: amounts, DISK_GB: amounts },
          traits: expect.any(Array),
          parent_provider_uuid: null,
        })
    })

    it('finds a provider by name', async () => {
      const { olga } = known()
      const { json } = await olga.ask('placement', 'GET', '/resource_providers?name=compute2', { microversion })
      expect(json.resource_providers).toEqual([expect.objectContaining({ name: 'compute2' })])
    })

    it('knows nothing of a server without room, and 404 of a provider', async () => {
      const { olga } = known()
      const nobody = '11111111-1111-1111-1111-111111111111'
      const none = await olga.ask('placement', 'GET', `/allocations/${nobody}`, { microversion: '1.20' })
      expect([none.status, none.json]).toEqual([200, { allocations: {} }])
      const missing = await olga.ask('placement', 'GET', `/resource_providers/${nobody}`, { microversion })
      expect(missing.status).toBe(404)
      expect(missing.json.errors[0].detail).toMatch(`No resource provider with uuid ${nobody} found`)
    })

    it('is closed to tenants and to strangers', async () => {
      const { alice } = known()
      expect((await alice.ask('placement', 'GET', '/resource_providers', { microversion })).status).toBe(403)
      expect((await alice.ask('placement', 'GET', '/resource_providers', { token: null })).status).toBe(401)
    })
  })
}
