/**
 * The hosts that redirect URIs name, each once. Loopback addresses, which every machine has, and private-use schemes, behind which there is no host, name
 * none: applications that have nothing to do with each other use the same ones.
 */
export function redirectHosts(redirectUris: readonly string[]): string[] {
  const hosts = redirectUris.flatMap((uri) => {
    const url = URL.canParse(uri) ? new URL(uri) : undefined;
    return url?.protocol === 'https:' ? [url.hostname] : [];
  });
  return [...new Set(hosts)];
}

/** For whom pairwise subjects are made, OIDC Core §8.1: the host of the client's redirect URIs, and without one the client alone. No host looks like a client here. */
export function sectorIdentifier(clientId: string, redirectUris: readonly string[]): string {
  const [host, ...others] = redirectHosts(redirectUris);
  return host === undefined || others.length > 0 ? `client_id:${clientId}` : host;
}
