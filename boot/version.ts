import { readFileSync } from 'node:fs'

const atRoot = import.meta.url.endsWith('.ts') ? '../package.json' : '../../package.json'

export const { version } = JSON.parse(readFileSync(new URL(atRoot, import.meta.url), 'utf8')) as { version: string }
