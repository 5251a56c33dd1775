import type { Texts } from './texts/texts.js';

/** The first that matches counts: most browsers also name those that they are built on. */
const BROWSERS: readonly [name: string, pattern: RegExp][] = [
  ['Edge', /\bEdg(e|A|iOS)?\//],
  ['Opera', /\bOPR\//],
  ['Samsung Internet', /\bSamsungBrowser\//],
  ['Firefox', /\b(Firefox|FxiOS)\//],
  ['Chrome', /\b(Chrome|CriOS|Chromium)\//],
  ['Safari', /\bVersion\/.+\bSafari\//],
];
const SYSTEMS: readonly [name: string, pattern: RegExp][] = [
  ['iPhone', /\biPhone\b/],
  ['iPad', /\biPad\b/],
  ['Android', /\bAndroid\b/],
  ['Windows', /\bWindows NT\b/],
  ['ChromeOS', /\bCrOS\b/],
  ['macOS', /\bMac OS X\b/],
  ['Linux', /\bLinux\b/],
];
const MAX_CHARACTERS = 60;

/** A name by which a user knows her devices apart: browser and system, or the beginning of a `User-Agent` that says neither. */
export function deviceName(userAgent: string | undefined, text: Texts['account']): string {
  if (userAgent === undefined || userAgent.trim() === '') return text.unknownDevice;
  const find = (among: typeof BROWSERS) => among.find(([, pattern]) => pattern.test(userAgent))?.[0];
  const [browser, system] = [find(BROWSERS), find(SYSTEMS)];
  if (browser && system) return text.device.replace('{browser}', browser).replace('{system}', system);
  const characters = Array.from(userAgent.trim());
  return browser ?? system ?? (characters.length <= MAX_CHARACTERS ? characters.join('') : `${characters.slice(0, MAX_CHARACTERS).join('')}…`);
}
