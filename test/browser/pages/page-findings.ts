import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import axe from 'axe-core';
import type { Page } from 'playwright-core';

/** How people look at pages. Widths are CSS pixels. */
const LOOKS = [
  { name: 'light', colorScheme: 'light', width: 1280, height: 800 },
  { name: 'dark', colorScheme: 'dark', width: 1280, height: 800 },
  { name: '360', colorScheme: 'light', width: 360, height: 740 },
] as const;

/** What 1280 pixels become at a zoom of 400 % (WCAG 2.2 §1.4.10). */
const NARROWEST = { width: 320, height: 640 };

/** `MINTGATE_SCREENSHOTS=<folder>` keeps a picture of every look of every page there, as `<language>-<page>-<look>.png`. */
const SCREENSHOTS = process.env['MINTGATE_SCREENSHOTS'];

const STANDARDS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
/** What colours and widths can change. */
const VISUAL_RULES = ['color-contrast', 'target-size'];

/** Elements that reach past the window or cut off what is in them, also when a reader spaces the letters out (WCAG 2.2 §1.4.12). It runs in the page. */
const OVERHANGING = `(() => {
  const spacedOut = new CSSStyleSheet();
  spacedOut.replaceSync('* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important } p { margin-bottom: 2em !important }');
  const overhanging = () => [...document.querySelectorAll('html, body, body *:not(.unseen, .unseen *)')].filter((element) => {
    const { left, right } = element.getBoundingClientRect();
    return left < 0 || right > innerWidth || (getComputedStyle(element).display !== 'inline' && element.scrollWidth > element.clientWidth);
  }).map((element) => element.outerHTML.slice(0, 100));
  const found = overhanging();
  document.adoptedStyleSheets = [spacedOut];
  found.push(...overhanging().map((element) => 'spaced out: ' + element));
  document.adoptedStyleSheets = [];
  return found;
})()`;

async function takeOn(page: Page, { colorScheme, width, height }: (typeof LOOKS)[number]): Promise<void> {
  // Colours that are on their way to others have no contrast that counts.
  await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
  await page.setViewportSize({ width, height });
}

/** Rules of axe-core that the page breaks in one of its looks. */
export async function brokenRules(page: Page): Promise<string[]> {
  const found: string[] = [];
  await page.evaluate(axe.source);
  for (const look of LOOKS) {
    await takeOn(page, look);
    // To preload stylesheets, axe would fetch them by script, which the pages' policy forbids.
    const options: axe.RunOptions = { runOnly: look === LOOKS[0] ? STANDARDS : VISUAL_RULES, resultTypes: ['violations'], preload: false };
    const { violations } = await page.evaluate<axe.AxeResults>(`axe.run(${JSON.stringify(options)})`);
    found.push(...violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${look.name}: ${id}: ${html} ${failureSummary ?? ''}`)));
  }
  return found;
}

/** Parts of the page that do not fit into the narrowest window. */
export async function overhangingParts(page: Page): Promise<string[]> {
  await page.setViewportSize(NARROWEST);
  return page.evaluate<string[]>(OVERHANGING);
}

/** Only where somebody wants to look at them. */
export async function keepPictures(page: Page, name: string): Promise<void> {
  if (SCREENSHOTS === undefined) return;
  mkdirSync(SCREENSHOTS, { recursive: true });
  for (const look of LOOKS) {
    await takeOn(page, look);
    await page.screenshot({ path: join(SCREENSHOTS, `${name}-${look.name}.png`), fullPage: true });
  }
}
