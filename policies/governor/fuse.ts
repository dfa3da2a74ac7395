import type { GovernorConfig, LeaseRequest, Ruling, Survey } from '../../core/governor.ts'
import { changes, isAutomatic } from './requests.ts'

/**
 * When many hosts look unhealthy at once, the fault is with what looks at them or with what they share. One unhealthy
 * host never blows the fuse, however small the zone. A person who brings no usable survey is not held up.
 */
export function onFuse(request: LeaseRequest, { fuse }: GovernorConfig, nowMs: number): Ruling {
  const { survey } = request
  if (!changes(request)) return { rule: 'fuse', says: 'pass', reason: 'a read harms nobody' }
  if (!isAutomatic(request) && !(request.requester === 'person' && survey))
    return { rule: 'fuse', says: 'pass', reason: 'the fuse is for alerts and plans' }
  const useless = whyUseless(survey, fuse.surveySeconds, nowMs)
  if (!survey || useless !== undefined) {
    if (!isAutomatic(request))
      return { rule: 'fuse', says: 'pass', reason: `${useless}, but a person asks`, ...(survey && figuresOf(survey)) }
    return {
      rule: 'fuse',
      says: 'refuse',
      code: 'SURVEY_STALE',
      reason: `${useless}`,
      ...(survey && figuresOf(survey)),
    }
  }
  const { zone, cloud } = survey
  const blown = [
    { ...zone, where: `of zone ${zone.name}` },
    { ...cloud, where: 'of the cloud' },
  ].find(({ up, down }) => down >= 2 && down / (up + down) >= fuse.stopFromShare)
  if (blown) {
    const { up, down, where } = blown
    const reason = `${down} of ${up + down} hosts ${where} look unhealthy`
    return { rule: 'fuse', says: 'refuse', code: 'FUSE_BLOWN', reason, ...figuresOf(survey) }
  }
  const reason = `${cloud.down} of ${cloud.up + cloud.down} hosts of the cloud look unhealthy`
  if (cloud.down >= fuse.askFromHosts)
    return { rule: 'fuse', says: 'ask', code: 'APPROVAL_NEEDED', reason, ...figuresOf(survey) }
  return { rule: 'fuse', says: 'pass', reason, ...figuresOf(survey) }
}

function whyUseless(survey: Survey | undefined, surveySeconds: number, nowMs: number): string | undefined {
  if (!survey) return 'nobody has counted the hosts that are well'
  const { takenAt, zone, cloud } = survey
  if (!(Math.abs(nowMs - Date.parse(takenAt)) <= surveySeconds * 1000))
    return `the hosts were counted at ${takenAt}, which is more than ${surveySeconds} s from now`
  if (!(zone.up + zone.down > 0 && cloud.up + cloud.down > 0)) return 'there was no host to be counted'
  return undefined
}

const figuresOf = ({ takenAt, zone, cloud }: Survey) => ({
  figures: {
    takenAt,
    zone: zone.name,
    zoneUp: zone.up,
    zoneDown: zone.down,
    cloudUp: cloud.up,
    cloudDown: cloud.down,
  },
})
