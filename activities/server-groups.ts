import { z } from 'zod'
import type { ServiceClient } from '../openstack/service.ts'

export const ServerGroup = z.object({ id: z.string(), policy: z.string(), members: z.array(z.string()) })
export type ServerGroup = z.infer<typeof ServerGroup>

/** Reads the server groups of all projects. Nova cuts them into pages without links: asked for until a page is empty. */
export async function readServerGroups(compute: ServiceClient, requestId: string): Promise<ServerGroup[]> {
  const Page = z.object({ server_groups: z.array(ServerGroup) })
  const groups: ServerGroup[] = []
  for (;;) {
    const query = { all_projects: true, limit: 1000, offset: groups.length }
    const { server_groups: page } = await compute.get('/os-server-groups', Page, { query, requestId })
    if (page.length === 0) return groups
    groups.push(...page)
  }
}
