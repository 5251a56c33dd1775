import type { Theme } from '../../config/theme.js';
import { escapeHtml } from '../html.js';
import { inkOn } from './contrast.js';

/** The first letter of the theme's name on its colour, as an SVG image: the icon of the browser's tab, and what stands beside the name when there is no logo. */
export function monogram({ name, color }: Theme): string {
  const [first] = new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(name);
  const letter = escapeHtml((first?.segment ?? '').toUpperCase());
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="${color}"/><text x="16" y="16.5" fill="${inkOn(color)}" font-family="system-ui,sans-serif" font-size="19" font-weight="700" text-anchor="middle" dominant-baseline="central">${letter}</text></svg>`;
}
