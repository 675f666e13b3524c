import type pg from 'pg'

/** What a migration writes its tables with, so that the very same one runs plain or hash-partitioned. */
export interface Ddl {
  sql(text: string): Promise<void>
  /** A table of organizations' rows: every key of it starts with `organization_id`. `storage`: its parameters. */
  table(name: string, body: string, storage?: string): Promise<void>
  /** A table that is never partitioned. */
  global(name: string, body: string): Promise<void>
}

export interface Migration {
  readonly name: string
  readonly up: (ddl: Ddl) => Promise<void>
}

/** `partitions`: how many each table of organizations' rows is split into; 0 for a plain table. */
export function ddlFor(client: pg.ClientBase, partitions: number): Ddl {
  const sql = async (text: string) => void (await client.query(text))
  const stored = (storage?: string) => (storage ? ` with (${storage})` : '')
  const plain = (name: string, body: string, storage?: string) =>
    sql(`create table ${name} (${body})${stored(storage)}`)
  const partitioned = async (name: string, body: string, storage?: string) => {
    await sql(`create table ${name} (${body}) partition by hash (organization_id)`)
    for (let part = 0; part < partitions; part++)
      await sql(
        `create table ${name}_p${part} partition of ${name} ` +
          `for values with (modulus ${partitions}, remainder ${part})${stored(storage)}`,
      )
  }
  return { sql, table: partitions > 0 ? partitioned : plain, global: plain }
}
