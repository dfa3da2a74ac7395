import { expect } from 'vitest'
import { parseConfig } from '../../boot/config-file.ts'
import { codeOf, messageOf } from '../../core/errors.ts'

/** Why a configuration is not taken; the code is always the same. */
export function whyNot(text: string): string {
  try {
    parseConfig(text, 'steward.yaml')
  } catch (error) {
    expect(codeOf(error)).toBe('CONFIG_INVALID')
    return messageOf(error)
  }
  throw new Error('it was taken')
}
