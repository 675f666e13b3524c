import { groupType, type ResourceType, userType } from '../../scim/index.ts'

const TEXT = '[text]'
const SECRET = '[secret]'
const MORE = '[more]'

// What a redacted text may be shorter than is cut: a queue of them must stay small.
const MOST_CHARACTERS = 1000
/** Of a whole body, about. */
const MOST_TOLD = 20_000
const MOST_MEMBERS = 40
const MOST_ELEMENTS = 10
const MOST_DEPTH = 8

const secrets =
  /password|passwd|secret|token|credential|assertion|cookie|authorization|private|key|certificate/i
const name = /^[a-z$][\w$-]{0,63}$/i
const urn = /^urn:[\w:.$-]{1,250}$/i
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const truth = /^(?:true|false)$/i

const kinds = new Set(
  'work home other mobile fax pager photo thumbnail direct indirect user group'.split(' '),
)
const verbs = new Set('add remove replace get post put patch delete ascending descending'.split(' '))
const operators = new Set('and or not eq ne co sw ew pr gt ge lt le'.split(' '))
const words = new Set([
  ...operators,
  ...verbs,
  ...'true false null'.split(' '),
  ...'users groups bulk roles entitlements'.split(' '),
  ...namesOf(userType),
  ...namesOf(groupType),
])

function namesOf({ schema, extensions }: ResourceType): string[] {
  const schemas = [schema, ...extensions.map((one) => one.schema)]
  const attributes = schemas.flatMap((one) => one.attributes)
  const parts = attributes.flatMap(({ subAttributes = [] }) => subAttributes)
  return ['schemas', 'id', 'externalId', 'meta', ...[...attributes, ...parts].map((one) => one.name)].map(
    (one) => one.toLowerCase(),
  )
}

const isNamed = (text: string) => text.split('.').every((part) => words.has(part.toLowerCase()))
const isTelling = (text: string) => truth.test(text) || kinds.has(text.toLowerCase())

/** Where a UUID is an id of ours; elsewhere it may be what a directory knows a person by. */
const isOfIds = (name: string) => /^(?:(?:members\.)?(?:id|value)|users|groups)$/i.test(name)

/** A filter, or a path of a PATCH: the names and operators of it, of its values only kinds and ids. */
export function redactedFilter(text: string): string {
  let named = ''
  return text.slice(0, MOST_CHARACTERS).replace(/"(?:[^"\\]|\\.)*"?|[^\s()[\]"/,]+/gs, (token) => {
    if (token.startsWith('"')) {
      const value = token.slice(1, -1)
      return isTelling(value) || (uuid.test(value) && isOfIds(named)) ? token : `"${TEXT}"`
    }
    const bare = token.replace(/^\./, '')
    if (uuid.test(bare)) return isOfIds(named) ? token : TEXT
    if (!operators.has(bare.toLowerCase())) named = bare
    return isNamed(bare) || urn.test(bare) ? token : TEXT
  })
}

const filters = new Set(['filter', 'path', 'sortBy', 'attributes', 'excludedAttributes'])
const numbers = new Set(['startIndex', 'count', 'failOnErrors'])

/** The parameters of a query that say what was asked for, as they would be read in an address. */
export function redactedQuery(query: Readonly<Record<string, unknown>>): string | undefined {
  const shown = Object.entries(query).flatMap(([key, value]) => {
    if (typeof value !== 'string') return []
    if (filters.has(key)) return [`${key}=${redactedFilter(value)}`]
    if (numbers.has(key)) return [`${key}=${/^-?\d{1,9}$/.test(value) ? value : TEXT}`]
    return key === 'sortOrder' && verbs.has(value.toLowerCase()) ? [`${key}=${value}`] : []
  })
  return shown.length > 0 ? shown.join('&') : undefined
}

/** A body with its names, and of its values those that name neither a person nor a secret. */
export function redactedBody(body: unknown): unknown {
  if (body === undefined) return undefined
  return redacted(body, { name: '', of: '', hides: false, depth: 0, room: { left: MOST_TOLD } })
}

/** What was said of a refusal: our sentences, which quote what was sent. */
export function redactedDetail(sentence: string): string {
  return sentence.replace(/["“](.*)["”]/s, (_all, quoted: string) => {
    const parts = quoted.split(/(" (?:lacks|needs a) ")/)
    return `"${parts.map((part, index) => (index % 2 === 0 ? redactedFilter(part) : part)).join('')}"`
  })
}

interface Place {
  readonly name: string
  /** The name of what it is in. */
  readonly of: string
  /** Whether it is below something that is secret. */
  readonly hides: boolean
  readonly depth: number
  /** How many characters may still be told, wherever in the body. */
  readonly room: { left: number }
}

function redacted(value: unknown, place: Place): unknown {
  const { room } = place
  if (room.left <= 0) return MORE
  const told = place.hides ? SECRET : toldOf(value, place)
  room.left -= typeof told === 'string' ? told.length : SECRET.length
  return told
}

function toldOf(value: unknown, place: Place): unknown {
  if (typeof value === 'string') return redactedText(value, place)
  if (typeof value === 'number') return numbers.has(place.name) ? value : '[number]'
  if (typeof value !== 'object' || value === null) return value
  if (place.depth >= MOST_DEPTH) return MORE
  return Array.isArray(value) ? redactedArray(value, place) : redactedObject(value, place)
}

function redactedArray(values: readonly unknown[], place: Place): unknown[] {
  const shown = values
    .slice(0, MOST_ELEMENTS)
    .map((one) => redacted(one, { ...place, depth: place.depth + 1 }))
  return values.length > MOST_ELEMENTS ? [...shown, `[${values.length - MOST_ELEMENTS} more]`] : shown
}

/** What a PATCH is about is told by its path, which may name a secret. */
function redactedObject(value: object, { name: of, depth, room }: Place): object {
  const shown: Record<string, unknown> = {}
  const path: unknown = Reflect.get(value, 'path')
  const hidesValue = typeof path === 'string' && secrets.test(path)
  const isOfMembers = typeof path === 'string' && /^members\b/i.test(path)
  let members = 0
  for (const key in value) {
    if (++members > MOST_MEMBERS || room.left <= 0) break
    const hides = secrets.test(key) || (hidesValue && key === 'value')
    const told = name.test(key) || urn.test(key) ? key : redactedFilter(key)
    const called = isOfMembers && key === 'value' ? 'members' : key
    room.left -= told.length
    shown[told] = redacted(Reflect.get(value, key), { name: called, of, hides, depth: depth + 1, room })
  }
  return shown
}

function redactedText(text: string, { name: key, of }: Place): string {
  if (filters.has(key)) return redactedFilter(text)
  if (key === 'op' || key === 'method' || key === 'sortOrder')
    return verbs.has(text.toLowerCase()) ? text : TEXT
  if (key === 'schemas') return urn.test(text) ? text : TEXT
  if (!uuid.test(text)) return isTelling(text) ? text : TEXT
  return key === 'id' || key === 'members' || (key === 'value' && of === 'members') ? text : TEXT
}
