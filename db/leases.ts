import { type Db, query } from './connect.ts'

const take = {
  name: 'take_lease',
  text: `insert into leases as l (name, holder, expires_at) values ($1, $2, $4)
         on conflict (name) do update set holder = excluded.holder, expires_at = excluded.expires_at
           where l.expires_at <= $3
         returning name`,
}

export interface Lease {
  readonly name: string
  readonly holder: string
  readonly now: Date
  readonly until: Date
}

/** Whether it is the holder's until then: nobody else's, and not taken before by the holder itself either. */
export async function takeLease(db: Db, { name, holder, now, until }: Lease): Promise<boolean> {
  return (await query(db, take, [name, holder, now, until])).length === 1
}
