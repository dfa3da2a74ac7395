import { startEmbedded } from '../../temporal/embedded.ts'

// a Steward that starts its Temporal, says so, and is then killed
const [dataDir = '', port, uiPort] = process.argv.slice(2)
const { pid } = await startEmbedded({ dataDir, port: Number(port), uiPort: Number(uiPort) })
process.stdout.write(`${pid}\n`)
setInterval(() => undefined, 60_000)
