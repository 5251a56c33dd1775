/**
 * Hosts to which the server may send requests wherever they are: `host` or `host:port`, names as they stand in URLs or IP addresses, IPv6 in brackets. Each is compared exactly, so whatever
 * looks like a pattern, a range or a URL is refused, and so is every form that a URL parser would write differently.
 * @throws {Error} with one clear line
 */
export function parseOutboundAllowedHosts(text: string): readonly string[] {
  const entries = text.split(',').map((entry) => entry.trim().toLowerCase()).filter((entry) => entry !== '');
  if (!entries.every(isHost)) throw new Error('OUTBOUND_ALLOWED_HOSTS: is not a list of hosts, or hosts with a port, as they stand in URLs (app.internal, 10.1.2.3:8080, [fd00::1])');
  return Object.freeze(entries);
}

function isHost(entry: string): boolean {
  const [, host = '', port] = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?$/.exec(entry) ?? [];
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535 || port.startsWith('0'))) return false;
  return URL.canParse(`http://${host}`) && new URL(`http://${host}`).hostname === host;
}
