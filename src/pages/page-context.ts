import type { Locale } from '../config/settings.js';
import { deviceName } from './device-name.js';
import { escapeHtml, Html, isolated, sentence } from './html.js';
import { TEXTS, type Texts } from './texts/texts.js';
import type { ClientName, ScopeItem } from './views.js';

/** How times are written. English is read all over the world: the day before the month and 24 hours are misread by nobody. */
const TIME_LOCALES: Readonly<Record<Locale, string>> = { en: 'en-GB', de: 'de' };
const DURATIONS = [['day', 86_400], ['hour', 3600], ['minute', 60], ['second', 1]] as const;

/** What templates can say in one language, whatever the view. They know it as `it.say`. */
export class PageContext {
  readonly text: Texts;

  constructor(readonly locale: Locale) {
    this.text = TEXTS[locale];
  }

  isolated(text: string): Html {
    return isolated(text);
  }

  sentence(text: string, values: Readonly<Record<string, string>>): Html {
    return sentence(text, values);
  }

  clientName({ clientId, name }: ClientName): string {
    return name ?? clientId;
  }

  /** A standard scope in our words, another one in those of its resource, or else by its bare name. */
  scope({ scope, description }: ScopeItem): Html {
    const ours: Readonly<Record<string, string>> = this.text.scopes;
    if (description !== undefined) return isolated(description);
    return new Html(Object.hasOwn(ours, scope) ? escapeHtml(ours[scope]) : `<code>${isolated(scope).markup}</code>`);
  }

  device(userAgent: string | undefined): string {
    return deviceName(userAgent, this.text.account);
  }

  /** In UTC, and saying so: where the user is cannot be known. */
  time(ms: number): Html {
    const text = new Intl.DateTimeFormat(TIME_LOCALES[this.locale], { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' }).format(ms);
    return new Html(`<time datetime="${new Date(ms).toISOString()}">${escapeHtml(text)} UTC</time>`);
  }

  date(ms: number): Html {
    const text = new Intl.DateTimeFormat(TIME_LOCALES[this.locale], { dateStyle: 'medium', timeZone: 'UTC' }).format(ms);
    return new Html(`<time datetime="${new Date(ms).toISOString().slice(0, 10)}">${escapeHtml(text)}</time>`);
  }

  /** In the largest unit that does not make it much rounder: 5 minutes, 90 minutes, 2 hours, 30 days. */
  duration(seconds: number): string {
    const [unit, size] = DURATIONS.find(([, each]) => seconds === each || seconds >= 2 * each) ?? DURATIONS[3];
    return new Intl.NumberFormat(this.locale, { style: 'unit', unit, unitDisplay: 'long', maximumFractionDigits: 0 }).format(seconds / size);
  }
}
