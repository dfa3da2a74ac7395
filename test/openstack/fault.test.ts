import { describe, expect, it } from 'vitest'
import { codeOf, detailsOf } from '../../core/errors.ts'
import { clean, faultOf, reasonOf } from '../../openstack/fault.ts'
import type { Method } from '../../openstack/http.ts'

const fault = (status: number, body: unknown = '', method: Method = 'POST', headers: Record<string, string> = {}) => {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return faultOf({ status, headers, text }, { service: 'compute', method, path: '/v2.1/servers/1/action' })
}

describe('what a status means', () => {
  it.each<[number, Method, string]>([
    [400, 'POST', 'CLOUD_REFUSED'],
    [401, 'POST', 'CLOUD_REFUSED'],
    [403, 'GET', 'CLOUD_REFUSED'],
    [404, 'DELETE', 'CLOUD_REFUSED'],
    [413, 'POST', 'CLOUD_REFUSED'],
    [409, 'POST', 'CLOUD_BUSY'],
    [429, 'GET', 'CLOUD_BUSY'],
    [503, 'POST', 'CLOUD_BUSY'],
    [503, 'GET', 'CLOUD_BUSY'],
    [500, 'GET', 'CLOUD_UNREACHABLE'],
    [502, 'HEAD', 'CLOUD_UNREACHABLE'],
    [504, 'GET', 'CLOUD_UNREACHABLE'],
    [500, 'POST', 'OUTCOME_UNKNOWN'],
    [502, 'PUT', 'OUTCOME_UNKNOWN'],
    [504, 'DELETE', 'OUTCOME_UNKNOWN'],
    [301, 'GET', 'CLOUD_ANSWER_UNREADABLE'],
    [307, 'POST', 'CLOUD_ANSWER_UNREADABLE'],
    [300, 'GET', 'CLOUD_ANSWER_UNREADABLE'],
  ])('%i to %s is %s', (status, method, code) => {
    const error = fault(status, '', method)
    expect(codeOf(error)).toBe(code)
    expect(detailsOf(error)).toMatchObject({ status, service: 'compute', method })
  })
})

describe('the reason', () => {
  const nova = "Policy doesn't allow os_compute_api:os-migrate-server:migrate_live to be performed."
  it.each<[string, unknown, string | undefined]>([
    [
      'Keystone',
      { error: { code: 404, message: 'Could not find trust: 3add.', title: 'Not Found' } },
      'Could not find trust: 3add.',
    ],
    ['Nova, forbidden', { forbidden: { code: 403, message: nova } }, nova],
    [
      'Nova, conflict',
      { conflictingRequest: { message: 'Cannot stop: task_state deleting', code: 409 } },
      'Cannot stop: task_state deleting',
    ],
    [
      'Placement',
      {
        errors: [
          {
            status: 409,
            title: 'Conflict',
            detail: 'resource provider generation conflict',
            code: 'placement.concurrent_update',
          },
        ],
      },
      'resource provider generation conflict',
    ],
    [
      'Neutron',
      { NeutronError: { type: 'PortNotFound', message: 'Port x could not be found.', detail: '' } },
      'Port x could not be found.',
    ],
    [
      'Heat',
      {
        explanation: 'The resource could not be found.',
        code: 404,
        error: { message: 'The Stack (x) could not be found.', traceback: null, type: 'EntityNotFound' },
        title: 'Not Found',
      },
      'The Stack (x) could not be found.',
    ],
    [
      'Ironic, JSON in JSON',
      { error_message: '{"faultcode": "Client", "faultstring": "Node x is locked", "debuginfo": null}' },
      'Node x is locked',
    ],
    ['Ironic', { error_message: { faultcode: 'Client', faultstring: 'Node x is locked' } }, 'Node x is locked'],
    [
      'Octavia',
      { faultcode: 'Client', faultstring: 'Load balancer is immutable', debuginfo: null },
      'Load balancer is immutable',
    ],
    [
      'a proxy',
      '<html><head><title>504 Gateway Time-out</title></head><body><h1>no</h1></body></html>',
      '504 Gateway Time-out',
    ],
    ['a proxy with a doctype', '<!DOCTYPE html>\n<p>oops</p>', 'an HTML page'],
    ['plain text', 'no tenant\n', 'no tenant'],
    ['nobody', '', undefined],
    ['an odd service', { code: 4 }, undefined],
  ])('is found in the answer of %s', (_who, body, reason) => {
    expect(reasonOf({ text: typeof body === 'string' ? body : JSON.stringify(body) })).toBe(reason)
    if (reason) expect(fault(404, body).message).toBe(`compute answered 404 to POST /v2.1/servers/1/action: ${reason}`)
  })

  it('is one line without terminal sequences and direction marks', () => {
    expect(clean('\u001b[31mred\u001b[0m\r\n\u202eevil\u0000\ttext\u2028end')).toBe('red evil text end')
  })

  it('is cut to 500 characters', () => {
    const { reason } = detailsOf(fault(400, { badRequest: { message: 'x'.repeat(10_000) } })) as { reason: string }
    expect(reason).toHaveLength(500)
    expect(fault(400, 'x'.repeat(10_000)).message.length).toBeLessThan(700)
  })

  it('does not show tokens, ours or those that look like one', () => {
    const fernet = `gAAAAABl${'x'.repeat(170)}==`
    expect(clean(`bad token ${fernet}, and topsecret too`, ['topsecret'])).toBe('bad token [token], and [secret] too')
  })
})

describe('what else an answer tells', () => {
  const requestId = 'req-64d94e5f-69f7-47a3-bf79-70aabad58bb0'
  it('is the request id under which the service logged it', () => {
    expect(detailsOf(fault(404, '', 'GET', { 'x-openstack-request-id': requestId }))).toMatchObject({ requestId })
    expect(detailsOf(fault(404, '', 'GET', { 'x-compute-request-id': requestId }))).toMatchObject({ requestId })
    expect(detailsOf(fault(404))).not.toHaveProperty('requestId')
  })

  it.each([
    ['17', 17],
    ['Sat, 21 Nov 2026 00:25:00 GMT', 60],
    ['Sat, 21 Nov 2026 00:20:00 GMT', 0],
    ['soon', undefined],
    ['-1', undefined],
  ])('is how long to wait: %s', (retryAfter, seconds) => {
    const details = detailsOf(
      fault(429, '', 'GET', { 'retry-after': retryAfter, date: 'Sat, 21 Nov 2026 00:24:00 GMT' }),
    )
    expect(details.retryAfterSeconds).toBe(seconds)
  })
})

describe('a complaint about the microversion', () => {
  const to = (status: number, body: unknown, microversion?: string) =>
    codeOf(
      faultOf(
        { status, headers: {}, text: JSON.stringify(body) },
        { service: 'compute', method: 'GET', path: '/', microversion },
      ),
    )
  const nova = {
    computeFault: {
      code: 406,
      message: 'Version 2.999 is not supported by the API. Minimum is 2.1 and maximum is 2.96.',
    },
  }
  const placement = {
    errors: [
      { status: 406, title: 'Not Acceptable', detail: 'Unacceptable version header: 1.999', max_version: '1.39' },
    ],
  }
  const malformed = { badRequest: { code: 400, message: 'API Version String x is of invalid format.' } }

  it('has its own code', () => {
    expect(to(406, nova, '2.999')).toBe('MICROVERSION_UNSUPPORTED')
    expect(to(406, placement, '1.999')).toBe('MICROVERSION_UNSUPPORTED')
    expect(to(400, malformed, 'x')).toBe('MICROVERSION_UNSUPPORTED')
  })

  it('is not seen in other refusals', () => {
    expect(to(406, nova)).toBe('CLOUD_REFUSED')
    expect(to(406, { error: { message: 'cannot give text/xml' } }, '2.96')).toBe('CLOUD_REFUSED')
    expect(to(400, { badRequest: { message: 'Invalid image version property' } }, '2.96')).toBe('CLOUD_REFUSED')
  })
})
