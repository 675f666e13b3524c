import { requested, toProvider } from './login.ts'
import type { AddressQuestion } from './ports.ts'
import { demandParameters } from './start-path.ts'
import { checkPace, html, type Visit } from './visit.ts'

/** `GET /login`: asks for the e-mail address, which `login_hint` may bring along. */
export async function askAddress(visit: Visit): Promise<unknown> {
  const { returnTo, loginHint, demand = {} } = requested(visit)
  return ask(visit, {
    returnTo,
    demand: demandParameters(demand),
    ...(loginHint !== undefined && { address: loginHint }),
  })
}

/**
 * `POST /login`: to the provider of the organization whose domain the address is in. It is told nothing by the answer
 * whether there is such a person: nobody is looked for.
 */
export async function findConnection(visit: Visit): Promise<unknown> {
  const asked = requested(visit)
  const { returnTo, loginHint: address = '', demand = {} } = asked
  checkPace(visit, visit.options.lookupWait?.(visit.request))
  const connections = await visit.options.store.connectionsFor(address)
  const [first, ...others] = connections ?? []
  if (first) return toProvider(visit, [first, ...others], asked)
  visit.reply.code(connections ? 404 : 400)
  const problem = connections ? 'unknown' : 'malformed'
  return ask(visit, { returnTo, demand: demandParameters(demand), address, problem })
}

function ask({ options, request, reply }: Visit, question: AddressQuestion): unknown {
  return html(reply, options.pages(request).askAddress(question))
}
