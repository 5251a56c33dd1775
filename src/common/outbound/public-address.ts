import { BlockList, isIP } from 'node:net';

/** IANA's special-purpose ranges of IPv4, and multicast. */
const SPECIAL_IPV4 = listOf('ipv4', [
  '0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16',
  '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4',
]);

/**
 * All that is given out of IPv6 for use on the Internet. What lies outside is inside some network or stands for an IPv4 address: ::1, ::ffff:0:0/96, 64:ff9b::/96,
 * fc00::/7, fe80::/10, ff00::/8 and whatever may be reserved next.
 */
const GLOBAL_IPV6 = listOf('ipv6', ['2000::/3']);
/** IETF protocol assignments with Teredo, documentation, and 6to4. */
const SPECIAL_IPV6 = listOf('ipv6', ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']);

function listOf(family: 'ipv4' | 'ipv6', ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [network = '', prefix] = range.split('/');
    list.addSubnet(network, Number(prefix), family);
  }
  return list;
}

/** Whether an IP address is one of the public Internet. Text that is no IP address is not. */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 4) return !SPECIAL_IPV4.check(address, 'ipv4');
  return isIP(address) === 6 && GLOBAL_IPV6.check(address, 'ipv6') && !SPECIAL_IPV6.check(address, 'ipv6');
}
