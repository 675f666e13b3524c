import { forgetDrift, type ProviderPins, pinProvider, recordDrift, type Scope } from '../../db/index.ts'
import type { OidcConnection, OidcStore } from '../../oidc/index.ts'
import { eventOf } from '../events/record.ts'

/** The pins of connections over the database; `scopeOf` is of a connection that exists. */
export function oidcPins(
  scopeOf: (connectionId: string) => Promise<Scope>,
): Pick<OidcStore, 'pin' | 'recordDrift' | 'forgetDrift'> {
  return {
    async pin({ id, version }, pins) {
      const event = happened('connection.pinned', id, pins)
      return pinProvider(await scopeOf(id), { id, version, pins }, [event])
    },
    async recordDrift({ id, version, acceptsDrift: accepted = false }: OidcConnection, pins) {
      const event = happened('connection.drifted', id, { ...pins, accepted })
      await recordDrift(await scopeOf(id), { id, version, pins, accepted }, [event])
    },
    async forgetDrift({ id, version }) {
      const event = happened('connection.returned', id, {})
      await forgetDrift(await scopeOf(id), { id, version }, [event])
    },
  }
}

const happened = (
  type: 'connection.pinned' | 'connection.drifted' | 'connection.returned',
  id: string,
  data: Partial<ProviderPins> & { accepted?: boolean },
) => eventOf({ type, subject: { type: 'connection', id }, changed: ['oidc.pins'], data: { ...data } })
