import { fromKept, OidcError } from './errors.ts'
import type { OidcConnection, OidcOptions } from './ports.ts'

/** What says that a provider is down, and not that it did not like what it was asked. */
const DOWN = ['provider_unreachable', 'provider_timeout']

/**
 * Does what asks the endpoints of a provider. While they are known to be down it is refused at once, but for one of
 * all processes every ten seconds, which finds out.
 */
export async function unlessDown<T>(
  connection: OidcConnection,
  { documents }: Pick<OidcOptions, 'documents'>,
  work: () => Promise<T>,
): Promise<T> {
  const { outage } = connection
  if (
    outage &&
    !(await documents.claim(connection, 'endpoints', { generation: outage.generation, mostAsked: 6 }))
  )
    throw fromKept(outage.failure)
  try {
    const done = await work()
    if (outage) await documents.keep(connection, 'endpoints', '')
    return done
  } catch (error) {
    if (error instanceof OidcError && DOWN.includes(error.refusal.code))
      await documents.keepFailure(connection, 'endpoints', error.refusal)
    else if (outage) await documents.keep(connection, 'endpoints', '')
    throw error
  }
}
