import type { Theme } from '../../config/theme.js';
import { brightened, inkOn, legible, mix } from './contrast.js';

const TEXT_CONTRAST = 4.5;
const EDGE_CONTRAST = 3;

/** What stays the same in every theme. Text and muted text have a contrast of 4.5 or more to every surface, the edges of controls 3 or more. */
const LIGHT = {
  page: '#f5f7f6', card: '#ffffff', text: '#16201c', muted: '#54615b', edge: '#dde4e1', 'control-edge': '#76837d',
  danger: '#a8231b', 'danger-tint': '#fdf1f0', success: '#17603d', 'success-tint': '#eef8f2', caution: '#7a4b00', 'caution-tint': '#fff6e2',
};
const DARK: typeof LIGHT = {
  page: '#0e1312', card: '#171e1c', text: '#e8eeeb', muted: '#a4b0ab', edge: '#2b3532', 'control-edge': '#76837e',
  danger: '#ffa79f', 'danger-tint': '#331917', success: '#8fdcb3', 'success-tint': '#12291f', caution: '#f3c877', 'caution-tint': '#2c2413',
};

/**
 * The colours of a theme as custom properties, for light pages and for dark ones (`prefers-color-scheme`). `--accent` is filled, with `--on-accent` written
 * on it; `--link` is written, and drawn around what has the focus.
 */
export function paletteStyles({ color, colorDark }: Theme): string {
  const dark = colorDark ?? legible(brightened(color), '#ffffff', [DARK.card, DARK.page], TEXT_CONTRAST);
  return `:root{color-scheme:light dark;${properties(LIGHT, color, '#000000')}}\n@media (prefers-color-scheme:dark){:root{${properties(DARK, dark, '#ffffff')}}}\n`;
}

function properties(surfaces: typeof LIGHT, accent: string, ink: '#ffffff' | '#000000'): string {
  const tint = mix(surfaces.card, accent, 0.09);
  const onAccent = inkOn(accent);
  const all = {
    ...surfaces,
    accent,
    'on-accent': onAccent,
    // Away from what is written on it, so that the contrast only grows.
    'accent-hover': mix(accent, onAccent === '#ffffff' ? '#000000' : '#ffffff', 0.16),
    'accent-edge': legible(accent, ink, [surfaces.card], EDGE_CONTRAST),
    'accent-tint': tint,
    link: legible(accent, ink, [surfaces.card, surfaces.page, tint], TEXT_CONTRAST),
  };
  return Object.entries(all).map(([name, value]) => `--${name}:${value}`).join(';');
}
