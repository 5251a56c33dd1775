/** What an event tells of a change: fields by name, and of those that decide about access also their values. */
export interface DescribedChanges {
  readonly changed: readonly string[];
  readonly added?: Readonly<Record<string, readonly string[]>>;
  readonly removed?: Readonly<Record<string, readonly string[]>>;
  /** Values that would have made the event too long. */
  readonly unlisted?: number;
}

/** The values of a field, in a form in which they can be compared and read. */
type ValuesOf<State> = { readonly [Field in keyof State]?: (state: State) => readonly string[] };

/** Well within the column of the database. */
const MAX_BYTES = 30_000;

/** Without a value: `null`, which stands for a default. */
export const single = (value: string | number | boolean | null): readonly string[] => (value === null ? [] : [String(value)]);

export const words = (text: string | null): readonly string[] => (text === null || text === '' ? [] : text.split(' '));

/**
 * Describes the difference between two states. A field of which only the name is told leaves nothing to see once it is
 * changed back; the values that an admin has given or taken do.
 * @param valuesOf fields whose values are told: none may be secret, or about a person
 */
export function describeChanges<State extends object>(before: State, after: State, valuesOf: ValuesOf<State>): DescribedChanges {
  const fields = Object.keys({ ...before, ...after }) as (keyof State & string)[];
  const changed = fields.filter((field) => JSON.stringify(before[field]) !== JSON.stringify(after[field]));
  const told = changed.flatMap((field) => {
    const read = valuesOf[field];
    return read ? [{ field, before: read(before), after: read(after) }] : [];
  });
  const budget = new Budget();
  const added = difference(told.map(({ field, ...each }) => [field, each.before, each.after]), budget);
  const removed = difference(told.map(({ field, ...each }) => [field, each.after, each.before]), budget);
  return {
    changed,
    ...(Object.keys(added).length > 0 ? { added } : {}),
    ...(Object.keys(removed).length > 0 ? { removed } : {}),
    ...(budget.refused > 0 ? { unlisted: budget.refused } : {}),
  };
}

/** Describes what something has from the start. */
export function describeInitial<State extends object>(state: State, valuesOf: ValuesOf<State>): Omit<DescribedChanges, 'changed'> {
  const fields = Object.keys(valuesOf) as (keyof State & string)[];
  const budget = new Budget();
  const added = difference(fields.map((field) => [field, [], valuesOf[field]!(state)]), budget);
  return {
    ...(Object.keys(added).length > 0 ? { added } : {}),
    ...(budget.refused > 0 ? { unlisted: budget.refused } : {}),
  };
}

function difference(
  fields: readonly (readonly [field: string, before: readonly string[], after: readonly string[]])[],
  budget: Budget,
): Record<string, readonly string[]> {
  const entries = fields.map(([field, before, after]) => {
    const known = new Set(before);
    return [field, after.filter((value) => !known.has(value) && budget.takes(value))] as const;
  });
  return Object.fromEntries(entries.filter(([, values]) => values.length > 0));
}

class Budget {
  refused = 0;
  private left = MAX_BYTES;

  takes(value: string): boolean {
    const bytes = Buffer.byteLength(JSON.stringify(value)) + 1;
    if (bytes > this.left) {
      this.refused++;
      return false;
    }
    this.left -= bytes;
    return true;
  }
}
