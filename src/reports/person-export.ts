import { dataLists, listedData, openSnapshot, personData, type Scope } from '../../db/index.ts'

/** All that is kept about one person, as JSON: piece by piece, so that none has to be held, and of one moment. */
export async function* personExport(scope: Scope, userId: string): AsyncGenerator<string> {
  const { db, close } = await openSnapshot(scope.db)
  const seen = { ...scope, db }
  try {
    yield `{"exportedAt":${json(scope.now)},"organizationId":${json(scope.organizationId)}`
    for await (const { name, value } of personData(seen, userId)) yield `,${json(name)}:${json(value)}`
    for (const name of dataLists) {
      let before = `,${json(name)}:[`
      for await (const page of listedData(seen, userId, name)) {
        yield before + page.map(json).join(',')
        before = ','
      }
      yield before === ',' ? ']' : `${before}]`
    }
    yield '}'
  } finally {
    await close()
  }
}

const json = (value: unknown): string => JSON.stringify(value, (_, one) => (one === null ? undefined : one))
