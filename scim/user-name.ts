import { ScimError } from './errors.ts'
import { narrowed } from './filter/fold.ts'
import type { Profile } from './handler.ts'

/** What the IdentifierClass of RFC 8264 has in it, and the space that RFC 8265 has between the parts of a name. */
const identifier =
  /^[\u200d\p{Lu}\p{Ll}\p{Lt}\p{Lo}\p{Lm}\p{Nd}\p{Mn}\p{Mc} -~\u00b7\u0375\u05f3\u05f4\u200c\u30fb]*$/u

const refused = (what: string) => new ScimError('invalidValue', `"userName" ${what}.`)

/** A name without the spaces around it, which strict connections may not send; what is blank is nobody's. */
export function cleanUserName(given: string, profile: Profile): string {
  const name = given.trim()
  if (name === '') throw refused('must not be blank')
  if (/\p{Cc}/u.test(name)) throw refused('must not have control characters')
  if (profile === 'lenient') return name
  if (name !== given) throw refused('must not begin or end with a space')
  if (!identifier.test(narrowed(name).normalize('NFC')))
    throw refused('has a character that RFC 8265 does not allow')
  return name
}
