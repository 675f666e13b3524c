import { isTime } from './claims.ts'
import { refused } from './errors.ts'
import type { Authentication, Demand, OidcConnection, SignInTransaction } from './ports.ts'
import { begunAt } from './transactions.ts'
import { parameters, single, type Visit } from './visit.ts'

/** How far a provider's clock may differ, in seconds. */
const SKEW = 60
const MOST_VALUES = 10

/** What the address of a sign-in demands: `max_age` in seconds, `acr_values` separated by spaces. */
export function requestedDemand(visit: Visit): Demand {
  const given = parameters(visit)
  const [age, values] = [single(given, 'max_age'), single(given, 'acr_values')]
  if (age !== undefined && !/^\d{1,9}$/.test(age)) throw refused('invalid_request', 'max_age')
  const acrValues = values?.split(' ')
  if (acrValues && (acrValues.length > MOST_VALUES || !acrValues.every(isAcr)))
    throw refused('invalid_request', 'acr_values')
  return { ...(age !== undefined && { maxAge: Number(age) }), ...(acrValues && { acrValues }) }
}

const isAcr = (value: unknown): value is string => typeof value === 'string' && /^[!-~]{1,200}$/.test(value)

/** What a sign-in must show: as much as was asked for, and never less than its connection demands. */
export function demandOf({ demand = {} }: OidcConnection, asked: Demand): Demand {
  const ages = [demand.maxAge, asked.maxAge].filter((age) => age !== undefined)
  const acrValues = narrowed(demand.acrValues, asked.acrValues)
  return { ...(ages.length > 0 && { maxAge: Math.min(...ages) }), ...(acrValues && { acrValues }) }
}

function narrowed(least: Demand['acrValues'], asked: Demand['acrValues']): Demand['acrValues'] {
  if (!least || !asked) return least ?? asked
  const both = asked.filter((value) => least.includes(value))
  if (both.length === 0) throw refused('invalid_request', 'acr_values')
  return both
}

type Claims = Readonly<Record<string, unknown>>

/**
 * A provider may take a demand for a wish, so what it says is checked (Core sections 2 and 3.1.2.1). How long ago
 * counts from the beginning of this sign-in, however long it then took.
 */
export function checkDemand(
  { auth_time: time, acr }: Claims,
  { maxAge, acrValues }: Demand,
  { transaction, now }: { transaction: SignInTransaction; now: Date },
): void {
  if (acrValues && !(isAcr(acr) && acrValues.includes(acr))) throw refused('authentication_too_weak', 'acr')
  if (maxAge === undefined) return
  if (!isTime(time) || time > now.getTime() / 1000 + SKEW) throw refused('invalid_id_token', 'auth_time')
  if (time < begunAt(transaction).getTime() / 1000 - maxAge - SKEW)
    throw refused('authentication_too_old', 'auth_time')
}

/** When and how the provider says that it has met the person; what has not the shape it should have is not said. */
export function authenticationOf({ auth_time: time, acr, amr }: Claims): Authentication | undefined {
  const methods = Array.isArray(amr) && amr.length <= MOST_VALUES && amr.every(isAcr) ? amr : undefined
  const said = {
    ...(isTime(time) && { at: new Date(time * 1000).toISOString() }),
    ...(isAcr(acr) && { acr }),
    ...(methods && { amr: methods }),
  }
  return Object.keys(said).length > 0 ? said : undefined
}
