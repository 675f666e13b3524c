import type { FastifyInstance } from 'fastify'
import { EVERY, type PollHost, pollDue } from '../gateway/signal-polls.ts'
import { newId } from '../ids.ts'

/** Polls streams of signals for as long as the service listens. */
export function pollWhileListening(app: FastifyInstance, host: PollHost): void {
  const stop = new AbortController()
  const holder = newId()
  let round = Promise.resolve()
  let timer: NodeJS.Timeout | undefined
  const begin = () => {
    round = round
      .then(() => pollDue(host, holder, stop.signal))
      .catch((err: unknown) => host.log.warn({ err }, 'signals were not polled'))
  }
  app.addHook('onListen', async () => {
    begin()
    timer = setInterval(begin, EVERY)
    timer.unref()
  })
  app.addHook('onClose', async () => {
    clearInterval(timer)
    stop.abort()
    await round
  })
}
