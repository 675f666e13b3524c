import type { Migration } from '../ddl.ts'
import { init } from './0001-init.ts'
import { onboarding } from './0002-onboarding.ts'

/** In the order they are applied; names never change once released. */
export const migrations: readonly Migration[] = [init, onboarding]
