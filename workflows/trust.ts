import { eventually } from './steps.ts'

const cleanupMs = 3_600_000

/** Deletes the trust of an action; false when that was not possible within an hour: it expires by itself soon after. */
export async function deleteTrust(trustId: string): Promise<boolean> {
  try {
    await eventually('Delete the trust', cleanupMs).deleteTrust({ trustId })
    return true
  } catch {
    // whoever shows the action says that it was left
    return false
  }
}
