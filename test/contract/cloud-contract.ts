import { afterAll, beforeAll, describe } from 'vitest'
import type { CloudUnderTest } from './cloud-under-test.ts'
import { describeCompute } from './compute.ts'
import { describeCredentials } from './credentials.ts'
import { describeIdentity } from './identity.ts'
import { describeMigrations } from './migrations.ts'
import { describeMoves } from './moves.ts'
import { describeOwners } from './owners.ts'
import { meet, type People } from './people.ts'
import { describePlacement } from './placement.ts'
import { describeSteward } from './steward.ts'
import { describeTrusts } from './trusts.ts'

/** What Steward relies on, asked of a cloud: the fake is worth as much as what it and a real one have in common here. */
export function describeCloudContract(name: string, connect: () => Promise<CloudUnderTest>): void {
  describe(name, () => {
    let people: People | undefined
    let cloud: CloudUnderTest | undefined
    beforeAll(async () => {
      cloud = await connect()
      people = await meet(cloud)
    })
    afterAll(() => cloud?.down())
    const known = () => {
      if (!people) throw new Error('nobody is logged in')
      return people
    }
    describeIdentity(known)
    describeTrusts(known)
    describeCredentials(known)
    describeOwners(known)
    describePlacement(known)
    describeCompute(known)
    describeMigrations(known)
    describeMoves(known)
    describeSteward(known)
  })
}
