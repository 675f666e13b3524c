/** Time for the network in one request, in milliseconds, all calls together. */
export const NETWORK_DEADLINE = 5000

/** Stops waiting, even for work that is shared with others and goes on. */
export function within<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason)
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    // A signal that somebody listens to is kept until it fires: for seconds after the work is done.
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}
