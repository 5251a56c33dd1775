import { type Setting, SETTINGS } from './settings.js';

const all = Object.values(SETTINGS) as readonly Setting<unknown>[];

const inFile = ({ env, secret }: Setting<unknown>): string => (secret ? ` Or \`${env}_FILE\`: the file that holds it.` : '');

/** The text of `docs/reference/configuration.md`. */
export function configurationReference(): string {
  const rows = all.map((s) => `| \`${s.env}\` | ${s.fallbackNote ?? (s.fallback ? `\`${s.fallback}\`` : 'empty')} | ${s.description}${inFile(s)} |`);
  return [
    '# Configuration',
    '',
    'Every environment variable that the server reads. A `.env` file in the working directory is read too; the process environment wins.',
    'All are checked at start: each thing that is wrong gets a line, and the process ends with status 78.',
    'A secret may be in a file that another variable names, as container platforms and systemd hand them over; white space around it is left out.',
    '',
    '| variable | default | what it does |',
    '| --- | --- | --- |',
    ...rows,
    '',
    'This page and `.env.example` are generated from `src/config/settings.ts` by `npm run docs:generate`.',
    '',
  ].join('\n');
}

/** The text of `.env.example`. */
export function environmentExample(): string {
  const blocks = all.map((s) => {
    const note = s.fallbackNote && !s.secret ? ` Default: ${s.fallbackNote.replaceAll('`', '')}.` : '';
    return `# ${`${s.description}${inFile(s)}`.replaceAll('`', '')}${note}\n#${s.env}=${s.fallback ?? s.example ?? ''}\n`;
  });
  return ['# Copy to .env and take away the # of what you change. Generated from src/config/settings.ts by `npm run docs:generate`.\n', ...blocks].join('\n');
}
