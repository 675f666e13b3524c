/** What can finish a step by itself: events whose subject is the person. */
export type StepEvent = 'user.provisioned' | 'user.linked' | 'session.begun' | 'session.switched'

interface StepText {
  readonly title: string
  readonly text?: string
}

/** One step of an organization's checklist. */
export interface Step extends StepText {
  readonly key: string
  /** A page, here or elsewhere. */
  readonly link?: string
  /** What finishes it; absent: the person says so. */
  readonly event?: StepEvent
  /** By language; others read the title and the text above. */
  readonly translations?: Readonly<Record<string, StepText>>
}

/** An organization's checklist, as administrators write it. */
export interface ChecklistDocument {
  readonly enabled: boolean
  readonly steps: readonly Step[]
}

/** Of an organization that has written none of its own. */
export const defaultSteps: readonly Step[] = [
  {
    key: 'sign-in',
    title: 'Sign in for the first time',
    event: 'session.begun',
    translations: { de: { title: 'Zum ersten Mal anmelden' } },
  },
  {
    key: 'workspace',
    title: 'Get a workspace of your own',
    event: 'user.provisioned',
    translations: { de: { title: 'Einen eigenen Arbeitsbereich bekommen' } },
  },
  {
    key: 'look-around',
    title: 'Look around in your workspace',
    text: 'Check its name, your role, and the team it belongs to.',
    translations: {
      de: {
        title: 'Sich im Arbeitsbereich umsehen',
        text: 'Prüfen Sie seinen Namen, Ihre Rolle und das Team, zu dem er gehört.',
      },
    },
  },
]
