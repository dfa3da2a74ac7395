import { readFile } from 'node:fs/promises'
import { parseWorkflowCode } from '@temporalio/worker/lib/worker.js'
import { ReusableVMWorkflowCreator } from '@temporalio/worker/lib/workflow/reusable-vm.js'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import type * as Action from '../../core/action.ts'
import type * as Errors from '../../core/errors.ts'
import type * as Catalogue from '../../policies/catalogue/index.ts'
import type * as Work from '../../policies/work.ts'

type Modules = Record<string, { exports: unknown } | undefined>

/** Where a worker runs all its workflows. */
class Sandbox extends ReusableVMWorkflowCreator {
  get modules(): Modules {
    return this.context.__webpack_module_cache__
  }
}

let modules: Modules
beforeAll(async () => {
  const { bundle } = inject('engine')
  const code = parseWorkflowCode(await readFile(bundle, 'utf8'), bundle)
  modules = ((await Sandbox.create(code, 10_000, new Set())) as Sandbox).modules
})
const shared = <T>(path: string) => modules[`./${path}`]?.exports as T

describe('what workflows share', () => {
  it('is loaded before the first of them: the catalogue of actions, and the rules they decide by', () => {
    for (const path of [
      'policies/catalogue/index',
      'policies/governor/step',
      'policies/recurrence/plan',
      'core/errors',
    ])
      expect(modules[`./${path}.ts`], path).toBeDefined()
    expect(modules['./workflows/scheduled-action.ts']).toBeUndefined()
  })

  it('checks inputs as it does elsewhere', () => {
    const { actionCatalogue } = shared<typeof Catalogue>('policies/catalogue/index.ts')
    const { leasedTargets } = shared<typeof Work>('policies/work.ts')
    const serverId = '5c7d0f3e-8a1b-4c2d-9e3f-0000000000ff'
    expect(leasedTargets({ action: 'server.stop', input: { serverId } })).toEqual([`server/${serverId}`])
    expect(actionCatalogue.size).toBeGreaterThan(100)
    for (const { name, calls } of actionCatalogue.values()) {
      const refusal = codeIn(() => calls({ serverId: 'none of these', surprise: true }))
      expect(refusal, name).toBe('INPUT_INVALID')
    }
  })

  it('takes nothing from one workflow to the next', () => {
    const { deadStates } = shared<typeof Action>('core/action.ts')
    const { actionNamed } = shared<typeof Catalogue>('policies/catalogue/index.ts')
    expect(Object.isFrozen(deadStates)).toBe(true)
    expect(Object.isFrozen(actionNamed('server.stop').notes)).toBe(true)
  })
})

function codeIn(act: () => unknown): unknown {
  try {
    return act()
  } catch (error) {
    return shared<typeof Errors>('core/errors.ts').codeOf(error) ?? error
  }
}
