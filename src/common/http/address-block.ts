import { isIPv6 } from 'node:net';

/**
 * What stands for one caller when requests are counted by address: an IPv4 address (also one that is mapped into IPv6), or the /64 of an IPv6 address, since a network of that size is given to
 * each customer and holds more addresses than could be counted.
 */
export function addressBlock(address: string): string {
  if (!isIPv6(address)) return address;
  const groups = groupsOf(address);
  const mapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  return mapped ? groups.slice(6).flatMap((group) => [group >> 8, group & 0xff]).join('.') : `${groups.slice(0, 4).map((group) => group.toString(16)).join(':')}::/64`;
}

/** The eight groups of an IPv6 address, of which `::` leaves some out. The URL parser writes an IPv4 tail as two of them. */
function groupsOf(address: string): number[] {
  const [head = '', tail] = new URL(`http://[${address.split('%')[0]}]`).hostname.slice(1, -1).split('::');
  const numbers = (text: string) => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)));
  const [before, after] = [numbers(head), numbers(tail ?? '')];
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
}
