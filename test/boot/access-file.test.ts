import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parseAccess, readAccess } from '../../boot/access-file.ts'
import { parseConfig } from '../../boot/config-file.ts'
import { accessFileOf, accessPolicy, permissionNames, permissions, refusalOf } from '../../core/access.ts'
import { codeOf, messageOf } from '../../core/errors.ts'

function whyNot(text: string): string {
  try {
    parseAccess(text, 'access.yaml', 'cloud-operator')
  } catch (error) {
    expect(codeOf(error)).toBe('CONFIG_INVALID')
    return messageOf(error)
  }
  throw new Error('it was taken')
}

/** What somebody with these roles may do. */
const mayOf = (text: string, roles: string[], projectId = 'p1') => {
  const policy = parseAccess(text, 'access.yaml', 'cloud-operator')
  return permissionNames.filter((permission) => refusalOf(policy, { roles, projectId }, permission) === undefined)
}

describe('who may do what, when no file says otherwise', () => {
  it.each([
    [['reader'], ['actions:read', 'audit:read', 'delegations:revoke']],
    [['member'], ['actions:read', 'actions:write', 'audit:read', 'delegations:revoke']],
    [
      ['reader', 'member', 'manager'],
      ['actions:read', 'actions:write', 'audit:read', 'delegations:revoke'],
    ],
    [['admin'], ['actions:read', 'actions:write', 'audit:read', 'delegations:revoke']],
    [['cloud-operator'], permissionNames],
    [['service'], []],
    [['Reader'], []],
    [[], []],
  ])('%j', (roles, may) => {
    expect(mayOf('', roles)).toEqual(may)
  })

  it('admin is the operator where steward.yaml names no other role', () => {
    const policy = accessPolicy('admin')
    expect(policy.grants.filter(({ role }) => role === 'admin')).toEqual([{ role: 'admin', persona: 'operator' }])
  })
})

describe('an access file', () => {
  it('replaces what is built in for the roles and personas it names, and leaves the others', () => {
    const text = 'roles:\n  reader: []\npersonas:\n  member: [actions:write]\n'
    expect(mayOf(text, ['reader'])).toEqual([])
    expect(mayOf(text, ['member'])).toEqual(['actions:write'])
    expect(mayOf(text, ['manager'])).toEqual(['actions:read', 'actions:write', 'audit:read', 'delegations:revoke'])
  })

  it('makes observers of the cloud out of readers of one project', () => {
    const text =
      'roles:\n  reader:\n    - { persona: observer, projects: [ops] }\npersonas:\n  observer: [incidents:read]\n'
    expect(mayOf(text, ['reader'], 'ops')).toEqual(['incidents:read'])
    expect(mayOf(text, ['reader'], 'shop')).toEqual([])
    expect(mayOf(text, ['member'], 'ops')).toEqual([
      'actions:read',
      'actions:write',
      'audit:read',
      'delegations:revoke',
    ])
  })

  it.each([
    ['personas:\n  member: [actions:raed]\n', 'access.yaml:2: personas.member.0: '],
    ['rolls: {}\n', 'access.yaml:1: rolls: Unrecognized key'],
    ['roles:\n  raeder:\n    - persona: reader\n', 'access.yaml:3: roles.raeder: is no role of Keystone itself'],
    ['roles:\n  reader:\n    - persona: raeder\n', 'access.yaml:3: roles.reader.0.persona: there is no persona raeder'],
    ['roles:\n  reader:\n    - persona: toString\n', 'access.yaml:3: roles.reader.0.persona: there is no persona'],
    ['roles:\n  reader:\n    - person: reader\n', 'access.yaml:3: roles.reader.0.person'],
    [
      'roles:\n  reader: []\npersonas:\n  observer: [incidents:read]\n',
      'access.yaml:4: personas.observer: is given to no role',
    ],
    ['roles:\n  cloud-operator: []\n', 'access.yaml:2: roles.cloud-operator: is the operatorRole of steward.yaml'],
    ['personas:\n  operator: [actions:read]\n', 'access.yaml:2: personas.operator: an operator may do everything'],
    [
      'roles:\n  manager:\n    - { persona: operator, projects: [ops] }\n',
      'access.yaml:3: roles.manager.0.persona: operators are who has the operatorRole',
    ],
    ['roles:\n  reader:\n    - { persona: reader, projects: [] }\n', 'access.yaml:3: roles.reader.0.projects: '],
    [
      'roles:\n  reader:\n    - { persona: reader, projects: ["*"] }\n',
      'access.yaml:3: roles.reader.0.projects.0: an id of a',
    ],
    ['personas:\n  Boss: []\n', 'access.yaml:2: personas.Boss: '],
    ['customRoles: [boss]\nroles: {boss: [{persona: member}], bos: []}\n', 'access.yaml:2: roles.bos: '],
    ['a: 1\na: 2\n', 'access.yaml: '],
    ['roles: *r\n', 'access.yaml: '],
  ])('that says %j is refused, with the line', (text, sentence) => {
    expect(whyNot(text)).toContain(sentence)
  })

  it('cannot show hosts of the cloud to everybody who has a project', () => {
    const observer = 'personas:\n  observer: [incidents:read]\n'
    expect(whyNot(`roles:\n  reader:\n    - persona: observer\n${observer}`)).toContain('name the projects')
    expect(whyNot(`customRoles: [watch]\nroles:\n  watch:\n    - persona: observer\n${observer}`)).toContain(
      'observer has incidents:read, which reaches the whole cloud: name the projects',
    )
    expect(whyNot('personas:\n  reader: [actions:read, leases:read]\n')).toContain(
      'personas.reader: leases:read reaches the whole cloud: make a persona of your own for it',
    )
  })

  it('of whatever content never gives a tenant what reaches the whole cloud', () => {
    const persona = fc.constantFrom('reader', 'member', 'manager', 'admin', 'operator', 'observer', 'helper')
    const grant = fc.record(
      { persona, projects: fc.subarray(['ops', 'ops-2'], { minLength: 0 }) },
      { requiredKeys: ['persona'] },
    )
    const role = fc.constantFrom('reader', 'member', 'manager', 'admin', 'service', 'boss', 'cloud-operator')
    const file = fc.record(
      {
        customRoles: fc.constant(['boss']),
        roles: fc.dictionary(role, fc.array(grant, { maxLength: 3 })),
        personas: fc.dictionary(persona, fc.subarray([...permissionNames])),
      },
      { requiredKeys: [] },
    )
    let taken = 0
    fc.assert(
      fc.property(file, fc.subarray(['reader', 'member', 'manager', 'admin', 'service', 'boss']), (content, roles) => {
        const parsed = accessFileOf('cloud-operator').safeParse(content)
        if (!parsed.success) return
        const policy = accessPolicy('cloud-operator', parsed.data)
        taken++
        for (const permission of permissionNames.filter((name) => permissions[name].reach === 'cloud'))
          expect(refusalOf(policy, { roles, projectId: 'shop' }, permission)).toBe('role')
      }),
      { numRuns: 300 },
    )
    // few of the made-up files are valid
    expect(taken).toBeGreaterThan(0)
  })

  it('is read from where steward.yaml says, and must be there', async () => {
    const path = await mkdtemp(join(tmpdir(), 'steward-access-'))
    onTestFinished(() => rm(path, { recursive: true }))
    await writeFile(join(path, 'access.yaml'), 'roles:\n  reader: []\n')
    const read = (accessFile: string) => readAccess({ accessFile, operatorRole: 'admin' })
    expect((await read(join(path, 'access.yaml'))).grants.some(({ role }) => role === 'reader')).toBe(false)
    await expect(read(join(path, 'acces.yaml'))).rejects.toMatchObject({
      type: 'CONFIG_INVALID',
      message: expect.stringMatching(/acces\.yaml cannot be read: ENOENT$/),
    })
    expect(await readAccess({ operatorRole: 'admin' })).toEqual(accessPolicy('admin'))
  })
})

describe('the role of operators', () => {
  it.each(['reader', 'member', 'manager'])('is not %s, which people of every project have', (role) => {
    expect(() => parseConfig(`operatorRole: ${role}\n`, 'steward.yaml')).toThrow(
      'steward.yaml:1: operatorRole: people of every project have this role',
    )
  })
})
