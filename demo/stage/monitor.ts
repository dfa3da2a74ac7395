import { setTimeout as sleep } from 'node:timers/promises'
import { vcpuShare } from './services.ts'
import type { Stage } from './stage.ts'

/** Plays Prometheus: measures one host every second and keeps Alertmanager informed, until stopped; then its alert ends. */
export function startMonitor(stage: Pick<Stage, 'olga' | 'alertmanager'>, host: string, limit: number) {
  let going = true
  let firingSince: string | undefined
  const alert = (startsAt: string, endsAt?: string) =>
    stage.alertmanager.post({
      labels: { alertname: 'HostOverloaded', host, severity: 'warning' },
      startsAt,
      ...(endsAt && { endsAt }),
      summary: `${host} is above ${limit * 100} % of its vCPUs`,
    })
  const watch = async () => {
    while (going) {
      const isOver = (await vcpuShare(stage.olga, host)) > limit
      if (isOver) {
        firingSince ??= new Date().toISOString()
        await alert(firingSince)
      } else if (firingSince) {
        await alert(firingSince, new Date().toISOString())
        firingSince = undefined
      }
      await sleep(1000)
    }
  }
  const ended = watch()
  ended.catch(() => undefined)
  return {
    /** Rejects if measuring failed meanwhile. */
    async stop(): Promise<void> {
      going = false
      await ended
      if (firingSince) await alert(firingSince, new Date().toISOString())
    },
  }
}
