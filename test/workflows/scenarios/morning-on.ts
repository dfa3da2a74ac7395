import { powering } from './night-off.ts'

export const scenario = powering('off')
