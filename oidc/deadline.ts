/** Time for the network in one request, in milliseconds, all calls together. */
export const NETWORK_DEADLINE = 5000

/** Stops waiting, even for work that is shared with others and goes on. */
export function within<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    work.then(resolve, reject)
  })
}
