import type { Config } from './config.js';
import type { RawSettings } from './settings.js';

/**
 * Where traces go; `undefined` when nowhere is said, whatever the other variables hold: platforms set them for all their programs.
 * @throws {Error} with one clear line
 */
export function readTracing({ otlpEndpoint, otlpHeaders, otelServiceName, traceSampleRatio }: RawSettings): Config['tracing'] {
  const headers = readHeaders(otlpHeaders ?? '');
  if (otlpEndpoint === undefined) return undefined;
  return Object.freeze({ url: `${otlpEndpoint.replace(/\/$/, '')}/v1/traces`, headers, serviceName: otelServiceName, sampleRatio: traceSampleRatio });
}

export function isOtlpEndpoint(text: string): boolean {
  if (!/^https?:\/\/[^?#]+$/.test(text) || !URL.canParse(text)) return false;
  const { username, password } = new URL(text);
  return username === '' && password === '';
}

/** `name=value,name=value`, the values percent-encoded where they need it. */
function readHeaders(text: string): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const entry of text.split(',').map((each) => each.trim()).filter((each) => each !== '')) {
    const [, name, value] = /^([\w!#$%&'*+.^`|~-]+)\s*=\s*(.*)$/.exec(entry) ?? [];
    const decoded = value === undefined ? undefined : decode(value);
    if (name === undefined || decoded === undefined || !/^[\x20-\x7e]*$/.test(decoded)) throw new Error('OTEL_EXPORTER_OTLP_HEADERS: must be name=value pairs with commas between them, values percent-encoded');
    headers[name] = decoded;
  }
  return Object.freeze(headers);
}

function decode(value: string): string | undefined {
  try {
    return decodeURIComponent(value);
  } catch {
    return undefined;
  }
}
