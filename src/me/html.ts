/** Markup that is safe to place: made by `html`, where every value that is not such is escaped. */
export interface Markup {
  readonly markup: string
  toString(): string
}

type Value = Markup | string | null | undefined | false | '' | readonly Markup[]

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character] ?? '')

/** Values are escaped, except markup made by this same tag; nothing stands for null, undefined and false. */
export function html(parts: TemplateStringsArray, ...values: Value[]): Markup {
  const markup = parts.reduce((text, part, index) => text + placed(values[index - 1]) + part)
  return { markup, toString: () => markup }
}

function placed(value: Value): string {
  if (value === null || value === undefined || value === false) return ''
  if (typeof value === 'string') return escaped(value)
  return 'markup' in value ? value.markup : value.map(({ markup }) => markup).join('\n')
}
