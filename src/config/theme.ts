import { readFileSync, statSync } from 'node:fs';
import type { RawSettings } from './settings.js';

/** How the pages look. */
export interface Theme {
  readonly name: string;
  /** `#rrggbb`, on light pages. */
  readonly color: string;
  /** `#rrggbb`, on dark pages; `undefined`: derived from `color`. */
  readonly colorDark?: string;
  readonly logo?: { readonly type: 'image/svg+xml' | 'image/png'; readonly bytes: Buffer };
}

const MAX_LOGO_BYTES = 256 * 1024;
const PNG_SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');

/** @throws {Error} with one clear line, when the logo cannot be shown */
export function readTheme({ themeName: name, themeColor: color, themeColorDark: colorDark, themeLogoFile }: RawSettings): Theme {
  const logo = themeLogoFile === undefined ? undefined : readLogo(themeLogoFile);
  return Object.freeze({ name, color, ...(colorDark ? { colorDark } : {}), ...(logo ? { logo } : {}) });
}

function readLogo(file: string): Theme['logo'] {
  let bytes: Buffer;
  try {
    // Looked at before it is read: the name may be that of a device, or of something huge.
    const stats = statSync(file);
    if (!stats.isFile()) throw new Error('THEME_LOGO_FILE: is not a file');
    if (stats.size > MAX_LOGO_BYTES) throw new Error(`THEME_LOGO_FILE: is larger than ${MAX_LOGO_BYTES / 1024} KiB`);
    bytes = readFileSync(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw code === undefined ? error : new Error(`THEME_LOGO_FILE: cannot be read (${code})`, { cause: error });
  }
  if (bytes.subarray(0, PNG_SIGNATURE.length).equals(PNG_SIGNATURE)) return Object.freeze({ type: 'image/png', bytes });
  if (/<svg[\s>]/.test(bytes.toString('utf8'))) return Object.freeze({ type: 'image/svg+xml', bytes });
  throw new Error('THEME_LOGO_FILE: is neither an SVG nor a PNG image');
}
