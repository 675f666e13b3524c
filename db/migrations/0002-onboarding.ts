import type { Migration } from '../ddl.ts'

// A schema apart: no key leads to it or from it, so that it can be dropped and nothing but the checklist is gone.
const tables: Record<string, string> = {
  checklists: `
    organization_id uuid not null primary key,
    steps jsonb not null,
    version integer not null,
    updated_at timestamptz not null`,
  finished_steps: `
    organization_id uuid not null,
    user_id uuid not null,
    step text not null,
    at timestamptz not null,
    primary key (organization_id, user_id, step)`,
  dismissals: `
    organization_id uuid not null,
    user_id uuid not null,
    at timestamptz not null,
    primary key (organization_id, user_id)`,
}

export const onboarding: Migration = {
  name: '0002-onboarding',
  async up(ddl) {
    await ddl.sql('create schema onboarding')
    for (const [name, body] of Object.entries(tables)) await ddl.table(`onboarding.${name}`, body)
  },
}
