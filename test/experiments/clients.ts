import { setTimeout as pause } from 'node:timers/promises'
import { createBrowser } from '../oidc/browser.ts'
import type { Answer, Ask } from '../src/api.ts'
import type { Stage } from './experiment.ts'
import type { Scene } from './scene.ts'
import { beginSignIn, finishSignIn, isLetIn, LostWay, sessionOf } from './sign-in.ts'

/** What the service has acknowledged of one person. */
export interface Acknowledged {
  readonly userName: string
  /** Absent of people who signed in. */
  readonly pushed?: { readonly id: string; readonly title: string; readonly patches: number }
}

export interface Client {
  /** One person after the other, until `isOver`; then the last one is finished first. */
  work(isOver: () => boolean): Promise<void>
}

export interface Trade {
  readonly stage: Stage
  readonly scene: Scene
  readonly groupId: string
  /** Filled by the clients. */
  readonly acknowledged: Acknowledged[]
}

const RETRY_PAUSE = 25
const PATCHES = 2

/** Asks one process after the other until one answers, as a client behind a load balancer does. */
async function persist<T>({ stage, scene }: Trade, ask: (process: Scene['processes'][number]) => Promise<T>) {
  for (let attempts = 1; ; attempts++) {
    try {
      return { answer: await ask(stage.random.pick(scene.processes)), attempts }
    } catch (error) {
      if (!isCut(error)) throw error
      stage.count('retries')
      await pause(RETRY_PAUSE)
    }
  }
}

/** How `fetch` says that there was no answer. */
const isCut = (error: unknown): boolean => error instanceof TypeError && error.cause !== undefined

const push = (trade: Trade, send: (scim: Ask) => Promise<Answer>) =>
  persist(trade, (process) => send(trade.scene.scimAt(process)))

/** An identity provider: creates a person, changes them, and adds them to a group. */
export function pusher(trade: Trade, name: string): Client {
  return {
    async work(isOver) {
      for (let number = 1; !isOver(); number++) {
        const userName = `${name}-${number}@acme.example`
        const id = await create(trade, userName)
        for (let patch = 1; patch <= PATCHES; patch++) {
          await change(trade, `/Users/${id}`, { op: 'replace', path: 'title', value: `title ${patch}` })
        }
        await change(trade, `/Groups/${trade.groupId}`, {
          op: 'add',
          path: 'members',
          value: [{ value: id }],
        })
        const pushed = { id, title: `title ${PATCHES}`, patches: PATCHES }
        trade.acknowledged.push({ userName, pushed })
      }
    },
  }
}

async function create(trade: Trade, userName: string): Promise<string> {
  const body = { userName, externalId: `key of ${userName}`, active: true }
  const { answer, attempts } = await push(trade, (scim) => scim('POST', '/Users', body))
  // An answer that was cut may have been a 201: then the retry finds the person there.
  const expected = attempts === 1 ? [201] : [201, 409]
  judge(trade.stage, answer, expected)
  if (answer.status === 201) return answer.body.id
  trade.stage.count('retriesThatFoundIt')
  const filter = encodeURIComponent(`userName eq "${userName}"`)
  const found = await push(trade, (scim) => scim('GET', `/Users?filter=${filter}`))
  judge(trade.stage, found.answer, [200])
  return found.answer.body.Resources[0]?.id ?? ''
}

async function change(trade: Trade, path: string, operation: object): Promise<void> {
  const schemas = ['urn:ietf:params:scim:api:messages:2.0:PatchOp']
  const body = { schemas, Operations: [operation] }
  judge(trade.stage, (await push(trade, (scim) => scim('PATCH', path, body))).answer, [200, 204])
}

/** People who sign in for the first time, and begin again where the way was cut. */
export function signer(trade: Trade, name: string): Client {
  const { stage, scene, acknowledged } = trade
  return {
    async work(isOver) {
      for (let number = 1; !isOver(); number++) {
        const sub = `${name}-${number}`
        const userName = `${sub}@acme.example`
        scene.introduce({ sub, preferred_username: userName, name: sub })
        const session = await signIn(trade, sub)
        const { answer } = await persist(trade, ({ origin }) => isLetIn(origin, session))
        stage.count(answer ? 'sessions' : 'lost')
        acknowledged.push({ userName })
      }
    },
  }
}

async function signIn(trade: Trade, sub: string): Promise<string> {
  const { stage, scene } = trade
  const origin = () => stage.random.pick(scene.processes).origin
  for (;;) {
    const { answer: page } = await persist(trade, async () => {
      const pending = await beginSignIn(scene, { browser: createBrowser(), origin: origin(), sub })
      return finishSignIn(pending, origin())
    }).catch(lostPage)
    const session = sessionOf(page)
    if (session) return session
    judge(stage, { status: page.status, text: page.text }, [303])
    await pause(RETRY_PAUSE)
  }
}

function lostPage(error: unknown) {
  if (error instanceof LostWay) return { answer: error.page, attempts: 1 }
  throw error
}

function judge(
  { count, note }: Stage,
  { status, text }: Pick<Answer, 'status' | 'text'>,
  expected: readonly number[],
): void {
  if (expected.includes(status)) return
  count(status >= 500 ? 'serverErrors' : 'unexpectedAnswers')
  note(`${status}: ${text.slice(0, 300)}`)
}
