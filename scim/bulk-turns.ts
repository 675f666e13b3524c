import type { FastifyReply, FastifyRequest } from 'fastify'

interface Place {
  readonly owner: string
  readonly admit: () => void
  state: 'waiting' | 'admitted' | 'served' | 'left'
}

/** Lets requests in before their bodies are read, which may be large: no more than so many are held at once. */
export interface Turns {
  /** Calls `admit` when it is the request's turn. */
  enter(request: FastifyRequest, owner: string, admit: () => void): void
  /** Serves one that was let in; its turn ends with the work, even where the client has gone. */
  serve<T>(request: FastifyRequest, work: () => Promise<T>): Promise<T>
  /** Ends the turn of one that is not being served. */
  leave(request: FastifyRequest): void
}

export interface Most {
  readonly ofAll: number
  /** Fewer than of all, so that no owner keeps the others waiting. */
  readonly ofOne: number
}

export function createTurns(most: Most): Turns {
  const places = new WeakMap<FastifyRequest, Place>()
  const waiting: Place[] = []
  const underWay: Place[] = []

  const mayEnter = ({ owner }: Place) => {
    return underWay.filter((place) => place.owner === owner).length < most.ofOne
  }
  const takeOut = (from: Place[], place: Place) => void from.splice(from.indexOf(place), 1)

  function admitNext(): void {
    const place = underWay.length < most.ofAll ? waiting.find(mayEnter) : undefined
    if (!place) return
    takeOut(waiting, place)
    underWay.push(place)
    place.state = 'admitted'
    place.admit()
  }

  function end(place: Place): void {
    takeOut(place.state === 'waiting' ? waiting : underWay, place)
    place.state = 'left'
    admitNext()
  }

  return {
    enter(request, owner, admit) {
      const place: Place = { owner, admit, state: 'waiting' }
      places.set(request, place)
      waiting.push(place)
      admitNext()
    },
    async serve(request, work) {
      const place = places.get(request)
      if (place?.state !== 'admitted') throw new TypeError('only who was let in is served')
      place.state = 'served'
      try {
        return await work()
      } finally {
        end(place)
      }
    },
    leave(request) {
      const place = places.get(request)
      if (place?.state === 'waiting' || place?.state === 'admitted') end(place)
    },
  }
}

/** A hook that makes a request wait for its turn, and lets go of it when its connection ends. */
export const waitingIn =
  (turns: Turns, ownerOf: (request: FastifyRequest) => string) =>
  (request: FastifyRequest, reply: FastifyReply, done: () => void): void => {
    reply.raw.once('close', () => turns.leave(request))
    turns.enter(request, ownerOf(request), done)
  }
