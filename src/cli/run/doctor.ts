import 'reflect-metadata';
import { type AreaFinding, examine } from '../doctor/examination.js';
import { print, printJson } from '../output.js';

const MARKS = { ok: 'ok     ', warning: 'warning', problem: 'PROBLEM' } as const;

/** Answers 0 when nothing stands in the way of production; warnings are for somebody to decide. */
export async function doctor({ json }: { json?: boolean }): Promise<number> {
  const findings = await examine();
  const count = (level: AreaFinding['level']) => findings.filter((finding) => finding.level === level).length;
  const fit = count('problem') === 0;
  if (json) printJson({ fit_for_production: fit, problems: count('problem'), warnings: count('warning'), findings });
  else {
    for (const area of new Set(findings.map((finding) => finding.area))) print([area, ...findings.filter((finding) => finding.area === area).map(lineOf), ''].join('\n'));
    print(`${fit ? 'Fit for production' : 'Not fit for production yet'}: ${counted(count('problem'), 'problem')}, ${counted(count('warning'), 'warning')}.`);
  }
  return fit ? 0 : 1;
}

const counted = (number: number, what: string): string => `${number === 0 ? 'no' : number} ${what}${number === 1 ? '' : 's'}`;

const lineOf = ({ level, check, detail, advice }: AreaFinding): string => `  ${MARKS[level]}  ${check}: ${detail}${advice === undefined ? '' : `\n           -> ${advice}`}`;
