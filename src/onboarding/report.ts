import { isChecklistOn, onboardingProgress, type Scope } from '../../db/index.ts'
import type { Step } from './steps.ts'

/** How far people are with their checklist; without one, only that there is none. */
export async function onboardingReport(
  scope: Scope,
  {
    from = new Date(0),
    to = scope.now,
  }: { readonly from?: Date | undefined; readonly to?: Date | undefined },
): Promise<object> {
  const told = (result: object) => ({ name: 'onboarding', from, to, result })
  if (!(await isChecklistOn(scope))) return told({ enabled: false })
  const row = await onboardingProgress<Step>(scope, { from, to })
  const { people = 0, dismissed = 0, steps = [], finished = {}, happened = {} } = row ?? {}
  const doneBy = ({ key, event }: Step) => (event ? happened[event] : finished[key]) ?? 0
  return told({
    enabled: true,
    people,
    dismissed,
    steps: steps.map((step) => ({ key: step.key, done: doneBy(step) })),
  })
}
