/** What the doctor says of one thing. */
export interface Finding {
  /** What was looked at: a setting, or a few words. */
  check: string;
  /** A `problem` stands in the way of production; a `warning` is for somebody to decide. */
  level: 'ok' | 'warning' | 'problem';
  detail: string;
  /** What to do. */
  advice?: string;
}

export const ok = (check: string, detail: string): Finding => ({ check, level: 'ok', detail });
export const warning = (check: string, detail: string, advice: string): Finding => ({ check, level: 'warning', detail, advice });
export const problem = (check: string, detail: string, advice?: string): Finding => ({ check, level: 'problem', detail, ...(advice === undefined ? {} : { advice }) });
