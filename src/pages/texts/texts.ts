import type { Locale } from '../../config/settings.js';
import { de } from './de.js';
import { en } from './en.js';

/** The texts of one language, by the keys of the English ones. */
export type Texts = typeof en;

export const TEXTS: Readonly<Record<Locale, Texts>> = { en, de };
