import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { setStage } from './stage/stage.ts'
import { deadProcess } from './stories/dead-process.ts'
import { deferredAction } from './stories/deferred-action.ts'
import { logBurst } from './stories/log-burst.ts'
import { overloadedHost } from './stories/overloaded-host.ts'

const stories = [deadProcess, overloadedHost, logBurst, deferredAction]
const keep = process.argv.includes('--keep')
const basePort = Number(process.env.DEMO_BASE_PORT ?? 19100)

const startedMs = Date.now()
const say = (line = '') => process.stdout.write(`${line}\n`)
const seconds = (sinceMs: number) => `${((Date.now() - sinceMs) / 1000).toFixed(1)} s`

const dir = fileURLToPath(new URL('../.cloud/demo', import.meta.url))
const stage = await setStage(dir, basePort, say)
let failed = 0
let struck: Promise<void> | undefined
const strike = () => (struck ??= stage.strike())
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    say('\nstopping everything …')
    void strike().then(() => process.exit(130))
  })

say(`\nThe stage is set after ${seconds(startedMs)}. Four stories follow.`)
for (const [at, story] of stories.entries()) {
  const storyMs = Date.now()
  say(`\n${at + 1}. ${story.title}`)
  try {
    const { outcome, workflowId, runId } = await story.play(stage, (line) => say(`   ${line}`))
    say(`   ✔ ${outcome} (${seconds(storyMs)})`)
    say(`   ${stage.uiLink(workflowId, runId)}`)
  } catch (error) {
    failed++
    say(`   ✘ ${error instanceof Error ? error.message : String(error)} (${seconds(storyMs)})`)
  }
}
say(`\n${stories.length - failed} of ${stories.length} stories ended as told, ${seconds(startedMs)} in all`)

if (keep) {
  say('\nEverything keeps running until Ctrl-C:')
  say(`  Steward      ${stage.steward.url}/docs   (config ${stage.steward.configFile})`)
  say(`  Temporal UI  ${stage.steward.uiUrl}`)
  say(`  Alertmanager ${stage.alertmanager.url}`)
  say(`  OpenStack    ${stage.cloud.endpoints.keystone}`)
  say(`  credentials  export OS_CLIENT_CONFIG_FILE=${stage.cloud.cloudsYaml} OS_CLOUD=alice   (or olga, carol, admin)`)
  say(`               password of all users: ${stage.cloud.password}`)
  say(`  command line npx steward --api ${stage.steward.url} …   (with these credentials; olga is the operator)`)
  say(
    `  own runbooks add \`runbooks: { folders: [FOLDER] }\` to that config, then end Steward (pid ${stage.steward.pid}) and`,
  )
  say(`               start it again: npx steward up --config ${stage.steward.configFile}`)
  await new Promise(() => setInterval(() => undefined, 1 << 30))
}
await strike()
if (failed === 0) await rm(dir, { recursive: true, force: true })
else say(`logs are kept in ${dir}`)
process.exitCode = failed === 0 ? 0 : 1
