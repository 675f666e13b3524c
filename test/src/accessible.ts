import axe from 'axe-core'
import type { Page } from 'playwright-core'

/** What a strict policy would have to let through, and what a reader would miss: in the light, and in the dark. */
export async function faults(page: Page): Promise<string[]> {
  const inline = (await page.content()).match(/<(?:script|style)\b|\s(?:style|on\w+)=/gi) ?? []
  const needed = ['html[lang]', 'head > title', 'main', 'h1']
  const counts = await Promise.all(needed.map((one) => page.locator(one).count()))
  const missing = needed.filter((_, index) => counts[index] !== 1)
  return [...inline, ...missing, ...(await barriers(page)), ...(await unfocused(page))]
}

/** What axe finds against WCAG 2.2 A and AA, and against good practice; colours in the dark, too. */
async function barriers(page: Page): Promise<string[]> {
  await page.evaluate(axe.source)
  await page.emulateMedia({ colorScheme: 'dark' })
  const dark = await violations(page, { runOnly: ['color-contrast'] })
  await page.emulateMedia({ colorScheme: 'light' })
  return [...dark.map((text) => `dark: ${text}`), ...(await violations(page, {}))]
}

async function violations(page: Page, options: axe.RunOptions): Promise<string[]> {
  const asked = JSON.stringify({ resultTypes: ['violations'], ...options })
  const found = await page.evaluate<axe.AxeResults>(`axe.run(${asked})`)
  return found.violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`))
}

/** What the keyboard does not reach in its turn, or reaches without a sign of it. */
async function unfocused(page: Page): Promise<string[]> {
  const found: string[] = []
  for (const one of await page.locator('a, button, input:not([type=hidden])').all()) {
    await one.focus()
    await page.keyboard.press('Shift+Tab')
    await page.keyboard.press('Tab')
    const outline = await page.evaluate<string>('getComputedStyle(document.activeElement).outlineStyle')
    const reached = await one.and(page.locator(':focus')).count()
    if (reached === 0 || outline === 'none') found.push(`not seen to be reached: ${await one.innerText()}`)
  }
  return found
}
