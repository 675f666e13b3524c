import { groupOf, outsiders } from './groups.ts'
import { type Next, requestText } from './load.ts'
import { idOf, personBody } from './person.ts'
import type { Scene } from './scene.ts'

export type FloorName = 'read' | 'tx' | 'cte' | 'page' | 'firstPage' | 'insert50'

export interface Floor {
  readonly title: string
  readonly requests: (scene: Scene) => Next
  readonly status: readonly number[]
}

const get = (path: string) => requestText({ method: 'GET', path })
const post = (path: string, body: string) => requestText({ method: 'POST', path, body })

export const someone = (people: number): number => 1 + Math.floor(Math.random() * people)

/** Where a page of 100 near the end begins. */
export const deepOffset = (people: number): number => Math.max(0, people - 150)

export const floors: Readonly<Record<FloorName, Floor>> = {
  read: {
    title: 'F-read',
    requests:
      ({ people }) =>
      () =>
        get(`/users/${idOf('user', someone(people))}`),
    status: [200],
  },
  tx: {
    title: 'F-tx',
    requests:
      ({ fresh }) =>
      () =>
        post('/users', personBody(fresh())),
    status: [201],
  },
  cte: {
    title: 'F-cte',
    requests:
      ({ fresh }) =>
      () =>
        post('/users-cte', personBody(fresh())),
    status: [201],
  },
  page: {
    title: 'page',
    requests: ({ people }) => {
      const text = get(`/page?offset=${deepOffset(people)}`)
      return () => text
    },
    status: [200],
  },
  firstPage: {
    title: 'first page',
    requests: () => {
      const text = get(`/page-by-key/${idOf('user', 0)}`)
      return () => text
    },
    status: [200],
  },
  insert50: {
    title: '50 rows',
    requests: ({ people }) => {
      let n = 0
      const group = groupOf(100_000, 0)
      return () => {
        const members = outsiders(people, n++, 50)
        return members && post('/members', JSON.stringify({ group, members }))
      }
    },
    status: [204],
  },
}
