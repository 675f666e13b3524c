/** What a browser shows and cannot run: no SVG. */
export const LOGO_TYPES = ['image/png', 'image/jpeg', 'image/webp'] as const
export type LogoType = (typeof LOGO_TYPES)[number]

const ascii = (bytes: Buffer, from: number, to: number) => bytes.toString('latin1', from, to)

/** The type of an image by how its bytes begin, whatever its sender says; null where it is none of these. */
export function logoTypeOf(bytes: Buffer): LogoType | null {
  if (ascii(bytes, 0, 8) === '\x89PNG\r\n\x1a\n' && ascii(bytes, 12, 16) === 'IHDR') return 'image/png'
  if (ascii(bytes, 0, 3) === '\xff\xd8\xff') return 'image/jpeg'
  if (ascii(bytes, 0, 4) === 'RIFF' && ascii(bytes, 8, 12) === 'WEBP') return 'image/webp'
  return null
}

/** Where the logo of an organization is; another address for another image, so that it may be kept for long. */
export const logoPath = (organizationId: string, version: string): string =>
  `/assets/logos/${organizationId}?v=${version}`
