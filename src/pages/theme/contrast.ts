/** Colours are `#rrggbb` in sRGB. */

const channels = (color: string): number[] => [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));

/** Relative luminance, 0 to 1 (WCAG 2.2). */
function luminance(color: string): number {
  const [red, green, blue] = channels(color).map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4)) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** Contrast ratio, 1 to 21 (WCAG 2.2 success criteria 1.4.3 and 1.4.11). */
export function contrast(one: string, other: string): number {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

const fromChannels = (values: readonly number[]): string => `#${values.map((value) => Math.round(value).toString(16).padStart(2, '0')).join('')}`;

/** @param share of the other colour, 0 to 1 */
export function mix(color: string, other: string, share: number): string {
  const others = channels(other);
  return fromChannels(channels(color).map((value, index) => value + (others[index] - value) * share));
}

/** The same hue as a light colour: dark ones would stay dull if they were only mixed with white. */
export function brightened(color: string): string {
  const values = channels(color);
  const factor = Math.max(1, 190 / Math.max(1, ...values));
  return mix(fromChannels(values.map((value) => value * factor)), '#ffffff', 0.2);
}

/** Black or white, whichever is read better on the color. One of them always has a contrast of 4.58 or more. */
export const inkOn = (color: string): '#ffffff' | '#000000' => (contrast(color, '#ffffff') >= contrast(color, '#000000') ? '#ffffff' : '#000000');

/** The color as it is, or as little as necessary nearer to black or white, so that it has this contrast to every one of the backgrounds. */
export function legible(color: string, towards: '#ffffff' | '#000000', backgrounds: readonly string[], ratio: number): string {
  for (let share = 0; share < 1; share += 0.02) {
    const candidate = mix(color, towards, share);
    if (backgrounds.every((background) => contrast(candidate, background) >= ratio)) return candidate;
  }
  return towards;
}
