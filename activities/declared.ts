import { defaultPayloadConverter } from '@temporalio/common'
import type { ActivityInterceptorsFactory } from '@temporalio/worker'
import { declaredHeader } from '../core/declared.ts'
import { Needs } from '../core/runbook.ts'
import { allowingOnly } from '../openstack/declared.ts'
import { callsAllowed } from '../policies/declared.ts'

/** Holds runs to what their runbooks have declared: what is not declared is not done. */
export const holdToDeclared: ActivityInterceptorsFactory = ({ info }) => ({
  inbound: {
    execute(input, next) {
      const header = input.headers[declaredHeader]
      if (!header) return next(input)
      const needs = Needs.parse(defaultPayloadConverter.fromPayload(header))
      return allowingOnly(callsAllowed(needs, info.activityType, input.args[0]), () => next(input))
    },
  },
})
