/** Of the form of a result, and of what is recorded; a reader of another one had better not guess. */
export const SCHEMA = 2;
