/** Returns why a text cannot identify a protected resource (RFC 8707 §2), if it cannot. */
export function resourceIdentifierProblem(identifier: string): string | undefined {
  if (!/^[\x21-\x7e]{1,500}$/.test(identifier) || !URL.canParse(identifier)) return 'must be an absolute URI';
  return identifier.includes('#') ? 'may not have a fragment' : undefined;
}
