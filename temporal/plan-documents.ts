import { randomUUID } from 'node:crypto'
import { promisify } from 'node:util'
import { brotliCompress, brotliDecompress, constants } from 'node:zlib'
import type { Client } from '@temporalio/client'
import { decodeArrayFromPayloads } from '@temporalio/common/lib/internal-non-workflow/index.js'
import { failure } from '../core/errors.ts'
import { PlanDocument } from '../core/plan-document.ts'
import { keepPart, type PartLabel } from '../workflows/plan/keep.ts'
import { isGone, throughEngine } from './reach.ts'

/** The documents of plans, in the histories of their workflows: compressed, in parts, encrypted as everything there is. */
export interface PlanDocuments {
  /** Returns the name of the pack it can be read by. @throws PLAN_TOO_LARGE, ENGINE_UNREACHABLE */
  keep(workflowId: string, document: PlanDocument): Promise<string>
  /** Needs no worker. @throws PLAN_NOT_FOUND, ENGINE_UNREACHABLE */
  read(workflowId: string, pack: string): Promise<PlanDocument>
}

/** Half of what the engine begins to warn at. */
const partBytes = 256 << 10
/** 2 MiB: some 26,000 moves. */
const mostParts = 8
const historyTimeoutMs = 30_000

const compress = promisify(brotliCompress)
const expand = promisify(brotliDecompress)

export function createPlanDocuments(client: Client): PlanDocuments {
  const converter = client.options.loadedDataConverter

  async function historyOf(workflowId: string) {
    try {
      const handle = client.workflow.getHandle(workflowId)
      return await throughEngine(client, () => handle.fetchHistory(), historyTimeoutMs)
    } catch (error) {
      if (isGone(error)) throw failure('PLAN_NOT_FOUND', `there is no ${workflowId}`)
      throw error
    }
  }

  async function bytesOf(workflowId: string, pack: string): Promise<Buffer | undefined> {
    const { events } = await historyOf(workflowId)
    const found: Buffer[] = []
    let parts = 1
    for (const { workflowExecutionSignaledEventAttributes: signal } of events ?? []) {
      if (signal?.signalName !== keepPart.name) continue
      const [label, bytes] = (await decodeArrayFromPayloads(converter, signal.input?.payloads ?? [])) as [
        PartLabel,
        Uint8Array,
      ]
      if (label.pack !== pack) continue
      found[label.part] = Buffer.from(bytes)
      parts = label.parts
    }
    return Object.keys(found).length === parts ? Buffer.concat(found) : undefined
  }

  return {
    async keep(workflowId, document) {
      const bytes = await packed(document)
      const parts = Math.ceil(bytes.length / partBytes)
      if (parts > mostParts) {
        const moves = document.waves.reduce((sum, wave) => sum + wave.moves.length, 0)
        throw failure('PLAN_TOO_LARGE', `the plan has ${moves} moves and comes to ${bytes.length} bytes`, { moves })
      }
      const pack = randomUUID()
      for (let part = 0; part < parts; part++) {
        const label: PartLabel = { pack, part, parts }
        const piece = bytes.subarray(part * partBytes, (part + 1) * partBytes)
        await throughEngine(client, () => client.workflow.getHandle(workflowId).signal(keepPart, label, piece))
      }
      return pack
    },

    async read(workflowId, pack) {
      const bytes = await bytesOf(workflowId, pack)
      if (!bytes) throw failure('PLAN_NOT_FOUND', `${workflowId} has no document ${pack}`)
      return PlanDocument.parse(JSON.parse((await expand(bytes)).toString()))
    },
  }
}

/**
 * Ids of servers stand in a plan twice, further apart than zlib looks back: with brotli's window they cost once (measured
 * on 3,559 moves: 284 KiB in place of 399).
 */
async function packed(document: PlanDocument): Promise<Buffer> {
  const text = Buffer.from(JSON.stringify(document))
  return compress(text, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 5,
      [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
      [constants.BROTLI_PARAM_SIZE_HINT]: text.length,
    },
  })
}
