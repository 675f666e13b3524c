import { createHash, hkdfSync } from 'node:crypto'
import { CompactEncrypt, compactDecrypt } from 'jose'

/** Which column of which row a secret belongs in: bound into the header, so that it opens nowhere else. */
export interface Place {
  readonly organizationId: string
  readonly column: string
  readonly rowId: string
}

export interface Secrets {
  seal(plain: string, place: Place): Promise<string>
  /** Throws where the text was sealed for another place, or by a key that is not known. */
  open(sealed: string, place: Place): Promise<string>
}

const keyId = (key: Uint8Array) => createHash('sha256').update(key).digest('base64url').slice(0, 8)
const nameOf = ({ organizationId, column, rowId }: Place) => `${organizationId}/${column}/${rowId}`

const imported = (key: Uint8Array) =>
  crypto.subtle.importKey('raw', new Uint8Array(key), 'AES-GCM', false, ['encrypt', 'decrypt'])

/** Encryption at rest (JWE, direct A256GCM): the first key seals, all of them open. */
export function secretsOf(keys: readonly Uint8Array[]): Secrets {
  const [current] = keys
  if (!current) throw new TypeError('at least one key is needed')
  // Made ready once: jose does that for each text where it is given the bytes.
  const sealing = imported(current)
  const byId = new Map(keys.map((key) => [keyId(key), imported(key)]))
  return {
    seal: async (plain, place) =>
      new CompactEncrypt(Buffer.from(plain))
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: keyId(current), place: nameOf(place) })
        .encrypt(await sealing),
    async open(sealed, place) {
      const { plaintext, protectedHeader } = await compactDecrypt(sealed, ({ kid }) => {
        const key = byId.get(kid ?? '')
        if (!key) throw new Error(`no encryption key ${kid} is configured`)
        return key
      })
      if (protectedHeader.place !== nameOf(place)) throw new Error('a sealed text was moved to another place')
      return Buffer.from(plaintext).toString()
    },
  }
}

const MOST_REMEMBERED = 1000

/**
 * Opens a text once for as long as it is in use: a secret that is set anew is another text. In the order of use, the
 * first is the one to forget.
 */
export function rememberOpened({ open }: Secrets): Pick<Secrets, 'open'> {
  const opened = new Map<string, string>()
  return {
    async open(sealed, place) {
      const key = `${nameOf(place)} ${sealed}`
      const plain = opened.get(key) ?? (await open(sealed, place))
      opened.delete(key)
      opened.set(key, plain)
      const [oldest] = opened.keys()
      if (opened.size > MOST_REMEMBERED && oldest !== undefined) opened.delete(oldest)
      return plain
    },
  }
}

/** A key for one use, of which nothing can be told about the key it is made from, or the keys of other uses. */
export function keyFor(use: string, key: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key, '', use, 32))
}
