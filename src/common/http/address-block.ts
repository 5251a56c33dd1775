import { isIPv6 } from 'node:net';

/**
 * What stands for one caller when requests are counted by address: an IPv4 address, or the /64 of an IPv6 address, since a network of that size is given to
 * each customer and holds more addresses than could be counted.
 */
export function addressBlock(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('%')[0].split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    // An IPv4 tail stands for two groups.
    const rest = tail === '' ? 0 : tail.split(':').length + (tail.includes('.') ? 1 : 0);
    const zeros = 8 - groups.length - rest;
    groups.push(...Array<string>(Math.max(0, zeros)).fill('0'), ...(tail === '' ? [] : tail.split(':')));
  }
  return `${groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`;
}
