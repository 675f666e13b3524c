import { type Browser, chromium } from 'playwright-core'
import { requireProgram } from '../require.ts'

const { path: executablePath, options } = requireProgram('chromium')

/** Of a test that needs a browser. */
export { options }

const SWITCHES = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
]

/** Debian's Chromium. */
export async function launch(t: { teardown(end: () => Promise<void>): void }): Promise<Browser> {
  const browser = await chromium.launch({ executablePath, args: SWITCHES })
  t.teardown(() => browser.close())
  return browser
}
