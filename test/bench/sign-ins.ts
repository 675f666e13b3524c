import { load, type Next, requestText } from './load.ts'
import { idTokenOf } from './provider.ts'
import type { Scene } from './scene.ts'

/** Sign-ins that are begun for each second of a round, which ends when all of them are finished. */
const A_SECOND = 1000

const CONNECTIONS = 16

type Who = (scene: Scene) => number

/** Callbacks alone: what comes before them is done before the round of so many seconds. */
export async function callbacks(scene: Scene, seconds: number, who: Who): Promise<Next> {
  const ready: string[] = []
  let toBegin = seconds * A_SECOND
  const next: Next = (answer) => {
    if (answer) ready.push(finish(scene, answer, who) ?? '')
    return toBegin-- > 0 ? begin(scene) : undefined
  }
  // As long as it takes.
  await load({ port: scene.usher.port, connections: CONNECTIONS, seconds: 600, next, status: [303] })
  return () => ready.pop()
}

/** The login and then the callback, each connection a browser. */
export const wholeSignIns =
  (scene: Scene, who: Who): Next =>
  (answer) =>
    (answer && finish(scene, answer, who)) ?? begin(scene)

const begin = ({ slug }: Scene): string => requestText({ method: 'GET', path: `/login/${slug}` })

/** What a browser asks when the provider has let the person in; nothing where it was not sent to the provider. */
function finish(scene: Scene, answer: Buffer, who: Who): string | undefined {
  const head = answer.toString('latin1')
  const location = /\r\nlocation: (\S+)/i.exec(head)?.[1] ?? ''
  if (!location.startsWith(scene.provider.issuer)) return undefined
  const asked = new URL(location).searchParams
  const [state, nonce, callback] = ['state', 'nonce', 'redirect_uri'].map((name) => asked.get(name) ?? '')
  const code = idTokenOf(scene.provider, who(scene), nonce ?? '')
  const cookie = /\r\nset-cookie: (usher-signin-[^;]+)/i.exec(head)?.[1]
  return requestText({
    method: 'GET',
    path: `${new URL(callback ?? '').pathname}?${new URLSearchParams({ code, state: state ?? '' })}`,
    headers: `cookie: ${cookie}\r\n`,
  })
}
