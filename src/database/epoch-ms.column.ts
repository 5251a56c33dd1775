import { Column } from 'typeorm';

const numberTransformer = {
  to: (value: number | null | undefined) => value,
  from: (value: string | number | null) => (value === null ? null : Number(value)),
};

/** A time in milliseconds since the epoch: MySQL's driver gives bigint columns as text, which this turns back into a number. */
export function EpochMsColumn(name: string, options: { nullable?: boolean } = {}): PropertyDecorator {
  return Column({ name, type: 'bigint', transformer: numberTransformer, ...options });
}
