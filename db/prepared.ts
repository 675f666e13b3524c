import pg from 'pg'

interface Column {
  readonly name: string
  readonly parse: (text: string) => unknown
}

/** A message about the result, as pg hands it on: of its columns, or of one row. */
interface Description {
  readonly fields: readonly { readonly name: string; readonly dataTypeID: number }[]
}
interface DataRow {
  readonly fields: readonly (string | null)[]
}

/** What pg's type of a connection leaves out: the statements it has prepared, and that `stream` is a plain field. */
type Connection = Omit<pg.Connection, 'stream'> & {
  stream: Pick<pg.Connection['stream'], 'write'> & { readonly writable: boolean }
  readonly parsedStatements: Readonly<Record<string, string>>
}

const columnsOf = new WeakMap<pg.Connection, Map<string, readonly Column[]>>()

/**
 * A statement whose result the server describes once a connection; pg by itself asks for that every time, which
 * costs both sides a tenth of a read. A class, since pg calls a method of it for each message of the answer.
 */
export class Prepared<Row> implements pg.Submittable {
  readonly name: string
  readonly text: string
  /** Called once; pg puts another in its place that keeps the time limit. */
  callback: (error: unknown, rows: Row[]) => void
  readonly values: (string | Buffer | null)[]
  readonly #rows: Row[] = []
  #known = new Map<string, readonly Column[]>()
  #columns: readonly Column[] = []
  #error: unknown

  constructor(
    { name, text }: { name: string; text: string },
    values: readonly unknown[],
    callback: (error: unknown, rows: Row[]) => void,
  ) {
    this.name = name
    this.text = text
    this.values = values.map(parameter)
    this.callback = callback
  }

  submit(connection: pg.Connection): void {
    this.#known = columnsOf.get(connection) ?? new Map()
    columnsOf.set(connection, this.#known)
    this.#columns = this.#known.get(this.name) ?? []
    sendAtOnce(connection as unknown as Connection, (to) => this.#ask(to))
  }

  #ask(connection: Connection): void {
    const { name, text, values } = this
    if (connection.parsedStatements[name] === undefined) {
      connection.parse({ name, text, types: [] }, false)
      connection.describe({ type: 'S', name }, false)
    }
    connection.bind({ statement: name, values }, false)
    connection.execute(null, false)
    connection.sync()
  }

  handleRowDescription({ fields }: Description): void {
    this.#columns = fields.map(({ name, dataTypeID }) => ({
      name,
      parse: dataTypeID === pg.types.builtins.TIMESTAMPTZ ? instant : pg.types.getTypeParser(dataTypeID),
    }))
    this.#known.set(this.name, this.#columns)
  }

  handleDataRow({ fields }: DataRow): void {
    const row: Record<string, unknown> = {}
    try {
      this.#columns.forEach(({ name, parse }, index) => {
        const text = fields[index] ?? null
        row[name] = text === null ? null : parse(text)
      })
    } catch (error) {
      this.#error = error // thrown to pg, it would end the process
    }
    this.#rows.push(row as Row) // whose statement it is says what its rows are
  }

  handleError(error: unknown): void {
    this.callback(error, [])
  }

  handleReadyForQuery(): void {
    this.callback(this.#error, this.#rows)
  }

  handleCommandComplete(): void {}
  handleEmptyQuery(): void {}
}

const readInstant = pg.types.getTypeParser(pg.types.builtins.TIMESTAMPTZ)
const inUtc = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?\+00$/

/** As the server tells one in UTC; any other is pg's to read, in twice the time. */
function instant(text: string): unknown {
  return inUtc.test(text) ? new Date(`${text.slice(0, 10)}T${text.slice(11, -3)}Z`) : readInstant(text)
}

/** All messages by one write: pg writes each by itself, which costs more than what is in them. */
function sendAtOnce(connection: Connection, ask: (to: Connection) => void): void {
  const { stream } = connection
  const messages: Uint8Array[] = []
  const write = (message: Uint8Array | string) => messages.push(message as Uint8Array) > 0 // as pg writes them
  connection.stream = { writable: stream.writable, write }
  try {
    ask(connection)
  } finally {
    connection.stream = stream
  }
  if (stream.writable) stream.write(Buffer.concat(messages))
}

/** A value as PostgreSQL reads it; bytes go as they are. */
function parameter(value: unknown): string | Buffer | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'string' || Buffer.isBuffer(value)) return value
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value)) return `{${value.map(element).join(',')}}`
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

function element(value: unknown): string {
  const text = parameter(value)
  return text === null ? 'null' : `"${text.toString().replace(/["\\]/g, '\\$&')}"`
}
