import type { Provider } from './clients.ts'
import { NETWORK_DEADLINE, within } from './deadline.ts'
import { fromFailure } from './errors.ts'
import { checkPins } from './pins.ts'
import type { OidcConnection } from './ports.ts'
import type { Service } from './visit.ts'

/** The provider of a connection, where it is as it was approved. */
export async function approvedProvider(
  { providerOf, options }: Service,
  connection: OidcConnection,
  deadline = AbortSignal.timeout(NETWORK_DEADLINE),
): Promise<Provider> {
  const provider = await within(deadline, providerOf(connection)).catch((error: unknown) => {
    throw error === deadline.reason ? fromFailure(error, 'discovery') : error
  })
  await checkPins(connection, provider.metadata, options)
  return provider
}
