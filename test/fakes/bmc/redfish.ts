import {
  type Answer,
  createFaults,
  type Fault,
  field,
  listen,
  type Request,
  type Wrong,
} from '../../../simulator/openstack/listener.ts'

export type Power = 'On' | 'Off' | 'PoweringOn' | 'PoweringOff' | 'Paused'

/**
 * A Redfish service on 127.0.0.1, as far as `test/contract/power-contract.ts` has it in common with a real one. Its clock
 * is `Date.now`.
 */
export interface FakeRedfish {
  readonly url: string
  readonly user: string
  readonly password: string
  /** Everything that was asked, answered or not. */
  readonly received: readonly Request[]
  /** Resets that were taken, in order. */
  readonly resets: readonly string[]
  readonly bmc: Bmc
  /** What the machine is, whatever the BMC says of it. */
  power(): Power
  /** The next requests that fit go wrong. */
  fail(which: Omit<Fault, 'service'>, wrong: Wrong): void
  close(): Promise<void>
}

/** May be changed on the way. */
export interface Bmc {
  power: Power
  /** What it says in place of the truth. */
  tell: (truth: Power) => unknown
  /** Until an order has its effect. */
  settleMs: number
  /** Takes orders and does nothing. */
  isStuck: boolean
  allowed: string[]
  /** Where it says what it allows. */
  allowedIn: 'action' | 'action info' | 'nowhere'
  /** The status of an answer to a reset that it does not know; BMCs differ. */
  refusesWith: number
  resetTarget: string
  systems: string[]
  machineUuid: string | undefined
}

const effects: Readonly<Record<string, Power>> = { On: 'On', ForceOn: 'On', ForceOff: 'Off', GracefulShutdown: 'Off' }
const usual = ['On', 'ForceOff', 'GracefulShutdown', 'GracefulRestart', 'ForceRestart', 'Nmi', 'ForceOn']

export async function fakeRedfish(given: Partial<Bmc> = {}): Promise<FakeRedfish> {
  const bmc: Bmc = {
    power: 'On',
    tell: (truth) => truth,
    settleMs: 0,
    isStuck: false,
    allowed: usual,
    allowedIn: 'action',
    refusesWith: 501,
    resetTarget: '/redfish/v1/Systems/1/Actions/ComputerSystem.Reset',
    systems: ['1'],
    machineUuid: '27946b59-9e44-4fa7-8e91-f3527a1ef094',
    ...given,
  }
  const [user, password] = ['fencer', 'pw-of-the-bmc']
  const right = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
  const received: Request[] = []
  const resets: string[] = []
  const faults = createFaults()
  let pending: { to: Power; atMs: number } | undefined

  function power(): Power {
    if (pending && Date.now() >= pending.atMs) {
      bmc.power = pending.to
      pending = undefined
    }
    return bmc.power
  }

  function handle({ method, path, headers, body }: Request): Answer {
    if (headers.authorization !== right) {
      const why = headers.authorization === undefined ? 'Authorization required' : 'Incorrect username or password'
      return { ...fault(401, why), headers: { 'www-authenticate': 'Basic realm="Baremetal API"' } }
    }
    const [, id, below] = /^\/redfish\/v1\/Systems\/([^/]+)(?:\/(.+?))?\/?$/.exec(path) ?? []
    if (/^\/redfish\/v1\/Systems\/?$/.test(path)) return { status: 200, body: collectionOf(bmc) }
    if (id === undefined || !bmc.systems.includes(id)) return fault(404, `System ${id} was not found`)
    if (below === undefined) return { status: 200, body: systemOf(bmc, id, bmc.tell(power())) }
    if (below === 'ResetActionInfo') return { status: 200, body: infoOf(bmc) }
    if (below !== 'Actions/ComputerSystem.Reset') return fault(404, 'Not found')
    return method === 'POST' ? reset(field(body, 'ResetType')) : fault(405, 'The method is not allowed')
  }

  function reset(type: unknown): Answer {
    const to = typeof type === 'string' && bmc.allowed.includes(type) ? effects[type] : undefined
    if (typeof type !== 'string' || to === undefined)
      return fault(bmc.refusesWith, `Power state ${type} is not supported`)
    resets.push(type)
    if (!bmc.isStuck && to !== power()) pending = { to, atMs: Date.now() + bmc.settleMs }
    return { status: 204 }
  }

  const listener = await listen('bmc', handle, { faults, received, tellTime: () => Date.now() })
  return {
    ...{ url: listener.url, user, password, received, resets, bmc, power },
    fail: faults.add,
    close: listener.stop,
  }
}

const collectionOf = ({ systems }: Bmc) => ({
  '@odata.type': '#ComputerSystemCollection.ComputerSystemCollection',
  '@odata.id': '/redfish/v1/Systems',
  Name: 'Computer System Collection',
  'Members@odata.count': systems.length,
  Members: systems.map((id) => ({ '@odata.id': `/redfish/v1/Systems/${id}` })),
})

const systemOf = ({ allowed, allowedIn, resetTarget, machineUuid }: Bmc, id: string, power: unknown) => ({
  '@odata.type': '#ComputerSystem.v1_13_0.ComputerSystem',
  '@odata.id': `/redfish/v1/Systems/${id}`,
  ...{ Id: id, Name: 'fake', UUID: machineUuid, PowerState: power },
  Actions: {
    '#ComputerSystem.Reset': {
      target: resetTarget,
      ...(allowedIn === 'action' && { 'ResetType@Redfish.AllowableValues': allowed }),
      ...(allowedIn === 'action info' && { '@Redfish.ActionInfo': `/redfish/v1/Systems/${id}/ResetActionInfo` }),
    },
  },
})

const infoOf = ({ allowed }: Bmc) => ({
  '@odata.type': '#ActionInfo.v1_1_2.ActionInfo',
  Id: 'ResetActionInfo',
  Parameters: [{ Name: 'ResetType', Required: true, DataType: 'String', AllowableValues: allowed }],
})

const fault = (status: number, message: string): Answer => ({
  status,
  body: {
    error: {
      code: 'Base.1.0.GeneralError',
      message,
      '@Message.ExtendedInfo': [{ MessageId: 'Base.1.0.GeneralError' }],
    },
  },
})
