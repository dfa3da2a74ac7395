import { fileURLToPath } from 'node:url'
import type { DataConverter } from '@temporalio/common'
import { createCodec } from './codec.ts'
import type { Keys } from './keys.ts'

export const failureConverterPath = fileURLToPath(new URL('failure-converter.cjs', import.meta.url))

/** The same for API, worker and tests: everything in a history is encrypted, failure messages included. */
export const createDataConverter = (keys: Keys): DataConverter => ({
  failureConverterPath,
  payloadCodecs: [createCodec(keys)],
})
