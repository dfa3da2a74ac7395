export { freePort } from '../../temporal/free-port.ts'
