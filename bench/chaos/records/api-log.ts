/** One mutating request that reached the Nova API with a global request id, which only Steward sends here. */
export interface ApiCall {
  /** When it began and was answered, epoch ms. */
  readonly at: number
  readonly answeredAt: number
  /** Of the run that made it: Temporal's run id. */
  readonly runId: string
  /** Nova's own request id, which its records carry. */
  readonly requestId: string
  readonly userId: string
  readonly method: string
  readonly path: string
  readonly serverId?: string
  readonly status: number
  readonly line: string
}

const form =
  /^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}) .* nova\.api\.openstack\.requestlog \[req-([0-9a-f-]{36}) (req-[0-9a-f-]{36}) (\S+) .*\] \S+ "(POST|PUT|PATCH|DELETE) (\S+)" status: (\d+) .* time: ([\d.]+)/

/** Reads nova-api's request log, written on this machine's clock. */
export function readApiLog(text: string): ApiCall[] {
  return text.split('\n').flatMap((line) => {
    const [, time, runId, requestId, userId, method, path, status, seconds] = form.exec(line) ?? []
    if (!time || !runId || !requestId || !userId || !method || !path) return []
    const answeredAt = Date.parse(time.replace(' ', 'T'))
    const [, serverId] = /\/servers\/([0-9a-f-]{36})/.exec(path) ?? []
    return [
      {
        at: answeredAt - Number(seconds) * 1000,
        answeredAt,
        runId,
        requestId,
        userId,
        method,
        path,
        ...(serverId && { serverId }),
        status: Number(status),
        line,
      },
    ]
  })
}
