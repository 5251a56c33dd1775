// `npm run audit:production`: asks the registry for known vulnerabilities of the production dependencies. Ends with 0 when none is high or critical, with 1 when one is, and
// with 75 when the registry could not be asked, which says nothing about the dependencies.
import { spawnSync } from 'node:child_process';

/** sysexits.h: try again later. */
const EX_TEMPFAIL = 75;
const GATED = ['critical', 'high'];

// Whatever npm's own exit code: it is 1 for findings and for a registry that does not answer alike.
const { stdout, error } = spawnSync('npm', ['audit', '--omit=dev', '--json'], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
const report = parse(stdout ?? '');

if (!report?.metadata?.vulnerabilities) {
  const why = error?.message ?? report?.message ?? report?.error?.summary ?? 'npm gave no report';
  console.error(`audit: NOT DONE, the registry could not be asked: ${String(why).split('\n')[0]}`);
  process.exitCode = EX_TEMPFAIL;
} else {
  const counts = Object.entries(report.metadata.vulnerabilities).filter(([severity, count]) => severity !== 'total' && count > 0).map(([severity, count]) => `${count} ${severity}`);
  const gated = Object.values(report.vulnerabilities ?? {}).filter(({ severity }) => GATED.includes(severity));
  for (const { name, severity, range, via, fixAvailable } of gated) {
    const advisories = via.map((each) => (typeof each === 'string' ? `through ${each}` : `${each.title} ${each.url}`));
    console.error(`  ${severity}: ${name} ${range}: ${advisories.join('; ')}${fixAvailable ? ' (a fix is there)' : ''}`);
  }
  const line = `audit: ${counts.join(', ') || 'no known vulnerability'} in the production dependencies`;
  if (gated.length > 0) console.error(line);
  else console.log(line);
  process.exitCode = gated.length > 0 ? 1 : 0;
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
