import { readFileSync } from 'node:fs'
import { compileDeclared } from '../../../policies/declared/compile.ts'
import { builtInRunbooks } from '../../../workflows/runbooks/index.ts'
import { declaredRunbook } from '../../../workflows/sdk/declared/runbook.ts'
import type { Runbook } from '../../../workflows/sdk/definition.ts'

/** What is written in YAML is carried out by code of ours, too: one document that uses most of what there is. */
function inYaml(): Runbook {
  const file = new URL('../../../examples/runbooks/restart-tier.yaml', import.meta.url)
  const compiled = compileDeclared(readFileSync(file, 'utf8'), 'restart-tier.yaml')
  if ('problems' in compiled) throw new Error(compiled.problems.map(({ text }) => text).join('\n'))
  return declaredRunbook(compiled.runbook)
}

/** Those of which runs must be able to go on with every later version. */
export const frozenRunbooks: readonly Runbook[] = [...builtInRunbooks, inYaml()]
