import type { Test } from 'tap'
import { startUsher, type Usher, type UsherOptions } from './usher.ts'

/** What must hold, by its sentence. */
export type Rules = Readonly<Record<string, (t: Test, usher: Usher) => Promise<unknown>>>

const layouts = { 'plain tables': 0, 'tables partitioned by hash': 4 }

/** Holds the service to the rules on both layouts of its tables; each rule makes its own organizations. */
export function holdOnEachLayout(
  t: Test,
  rules: Rules,
  options: Omit<UsherOptions, 'partitions'> = {},
): void {
  for (const [layout, partitions] of Object.entries(layouts)) {
    t.test(`on ${layout}`, async (t) => {
      const usher = await startUsher(t, { ...options, partitions })
      for (const [sentence, hold] of Object.entries(rules)) t.test(sentence, (t) => hold(t, usher))
    })
  }
}
