import type { DocumentKind, OidcConnection, ProviderDocuments, SharedDocument } from '../../oidc/index.ts'

type Slot = SharedDocument & { readonly version: number; readonly asked: readonly number[] }

const SECOND = 1000

/** What a process alone knows of providers; the rules are those of `db/provider-documents.ts`. */
export function memoryDocuments(now = () => new Date()): ProviderDocuments {
  const slots = new Map<string, Slot>()
  const nameOf = ({ id }: OidcConnection, kind: DocumentKind) => `${id} ${kind}`
  const slotOf = (connection: OidcConnection, kind: DocumentKind): Slot => {
    const slot = slots.get(nameOf(connection, kind))
    const empty = { version: connection.version, generation: 0, asked: [] }
    return slot?.version === connection.version ? slot : empty
  }
  return {
    read: async (connection, kind) => slotOf(connection, kind),
    async claim(connection, kind, { generation, mostAsked }) {
      const slot = slotOf(connection, kind)
      const time = now().getTime()
      const asked = slot.asked.filter((at) => at > time - 60 * SECOND)
      const isAsked = slot.askingUntil !== undefined && slot.askingUntil.getTime() > time
      const isFailing = slot.failedAt !== undefined && slot.failedAt.getTime() > time - 10 * SECOND
      if (isAsked || isFailing || asked.length >= mostAsked || slot.generation !== generation) return false
      const askingUntil = new Date(time + 10 * SECOND)
      slots.set(nameOf(connection, kind), { ...slot, askingUntil, asked: [...asked, time] })
      return true
    },
    async keep(connection, kind, body) {
      const { version, generation, asked } = slotOf(connection, kind)
      const kept = { version, asked, generation: generation + 1, body, fetchedAt: now() }
      slots.set(nameOf(connection, kind), kept)
    },
    async keepFailure(connection, kind, failure) {
      const { askingUntil, ...slot } = slotOf(connection, kind)
      slots.set(nameOf(connection, kind), { ...slot, failure, failedAt: now() })
    },
  }
}
