import type { NewEvent, NewOrganization } from '../../db/index.ts'
import { newId } from '../ids.ts'
import { defaultPolicy } from './policy.ts'

/** The slug that no customer may have: `/login/public` leads to the public connection. */
export const PUBLIC = 'public'

const MOST_CHARACTERS = 200

/** An organization of one person's own, called by their name. */
export function personalOrganization({
  id,
  name: whole,
  event,
}: {
  readonly id: string
  readonly name: string
  readonly event: NewEvent
}): NewOrganization {
  const name = whole.slice(0, MOST_CHARACTERS)
  const slug = `p-${id.replaceAll('-', '')}`
  return { slug, name, kind: 'personal', home: { id: newId(), name }, policy: defaultPolicy, events: [event] }
}
