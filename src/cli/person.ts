import { type Db, findPerson, type PersonKey, peopleAnywhere, type Scope } from '../../db/index.ts'
import { type Explanation, explain } from '../admin/explain.ts'
import { momentsOf, momentView } from '../admin/timeline.ts'
import { isUuid } from '../ids.ts'
import { userNameKey } from '../translate/user-name.ts'

export interface PersonAsked {
  /** An e-mail address, a userName or an id. */
  readonly name: string
  readonly organization?: string | undefined
  readonly json?: boolean | undefined
}

/** What is to be printed, and how it went. */
export interface Told {
  readonly lines: readonly string[]
  readonly code: number
}

const MOST_MOMENTS = 50

/** Why somebody is where they are, and what happened to them, to be read or as JSON. */
export async function explainPerson(db: Db, asked: PersonAsked): Promise<Told> {
  const found = await peopleAnywhere(db, keyOf(asked))
  const [one, ...others] = found
  if (!one) return { lines: [`Nobody is known as “${asked.name}”.`], code: 1 }
  if (others.length > 0) return { lines: severalOf(asked, found), code: 1 }
  const scope: Scope = {
    db,
    organizationId: one.organization_id,
    actor: 'cli',
    now: new Date(),
    requestId: '',
  }
  const person = await findPerson(scope, one.id)
  if (!person) return { lines: [`Nobody is known as “${asked.name}”.`], code: 1 }
  const explanation = await explain(scope, person)
  const moments = await momentsOf(scope, one.id, { limit: MOST_MOMENTS })
  const timeline = moments.map((moment) => momentView(moment) as Line) // as it is made there
  const who = { id: one.id, userName: one.user_name, organization: one.slug }
  const lines = asked.json
    ? [JSON.stringify({ ...who, ...explanation, timeline }, null, 2)]
    : textOf(`${one.user_name} (${one.id}) in ${one.slug}`, explanation, timeline)
  return { lines, code: 0 }
}

function keyOf({ name, organization }: PersonAsked): PersonKey {
  const id = isUuid(name.toLowerCase()) ? name.toLowerCase() : null
  return { email: name, userNameKey: userNameKey(name), id, slug: organization ?? null }
}

const severalOf = ({ name }: PersonAsked, found: Awaited<ReturnType<typeof peopleAnywhere>>) => [
  `Several people are known as “${name}”; name the id, or one organization by --organization:`,
  ...found.map(({ slug, id, user_name }) => `  ${slug}  ${id}  ${user_name}`),
]

interface Line {
  readonly at: Date
  readonly summary: string
  readonly policyVersion?: number
  readonly rule?: string
  readonly request?: RequestLine
}

interface RequestLine {
  readonly method?: string
  readonly path?: string
  readonly status?: number
  readonly connection?: { readonly name: string }
}

function textOf(
  who: string,
  { verdict, missing, decisions }: Explanation,
  timeline: readonly Line[],
): string[] {
  return [
    verdict,
    who,
    ...section(
      'What they do not have',
      missing.flatMap(({ sentence, now }) => [sentence, ...(now ? [`  now: ${now.sentence}`] : [])]),
    ),
    ...section(
      'Decisions',
      decisions.map(
        ({ at, outcome, ...by }) => `${at.toISOString()}  ${outcome}${because(by as Partial<Line>)}`,
      ),
    ),
    ...section(
      'Time line',
      timeline.map((line) => `${line.at.toISOString()}  ${line.summary}${because(line)}`),
    ),
  ]
}

const section = (title: string, lines: readonly string[]) =>
  lines.length > 0 ? ['', title, ...lines.map((line) => `  ${line}`)] : []

function because({ rule, policyVersion, request }: Partial<Line>): string {
  const ruled = rule ? ` (rule ${rule}, policy v${policyVersion})` : ''
  return `${ruled}${request ? ` [${requestOf(request)}]` : ''}`
}

const requestOf = ({ method, path, status, connection }: RequestLine): string =>
  [method, path, status, connection && `from ${connection.name}`].filter(Boolean).join(' ')
