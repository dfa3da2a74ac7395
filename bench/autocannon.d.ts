/** What the benchmark uses of autocannon, which brings no types. */
declare module 'autocannon' {
  interface Options {
    url: string
    method?: 'GET' | 'POST'
    headers?: Record<string, string>
    body?: string
    connections?: number
    duration?: number
  }
  interface Result {
    requests: { average: number }
    non2xx: number
    errors: number
  }

  export type { Options, Result }
  export default function autocannon(options: Options): Promise<Result>
}
