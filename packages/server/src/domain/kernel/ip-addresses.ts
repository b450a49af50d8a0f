// Owns IP addresses: their plain form, the network that one belongs to, and which are on the open internet. `ipaddr.js`
// parses them and has the registries of special ranges.

import { isIP } from "node:net";
import ipaddr from "ipaddr.js";

/**
 * Parses an address. A zone (`%eth0`) is dropped, and IPv4 within IPv6 becomes IPv4 (RFC 4291 §2.5.5.2).
 * `null`: the text is no address. `ipaddr.js` alone would also accept forms such as `0x7f.1`.
 */
const parse = (text: string) => {
  const [address = ""] = text.split("%");
  return isIP(address) ? ipaddr.process(address) : null;
};

/** The one plain form of an address, without its zone. Other text stays as it is. */
export const plainAddress = (text: string): string => parse(text)?.toString() ?? text;

/** One customer's network: an IPv4 address, or the /64 of an IPv6 address, from which anyone has 2^64 addresses. */
export const network = (address: string): string => {
  const parsed = parse(address);
  if (!(parsed instanceof ipaddr.IPv6)) return parsed?.toString() ?? address;
  const groups = parsed.parts.slice(0, 4).map((part) => part.toString(16));
  return `${groups.join(":")}::/64`;
};

/** The only part of IPv6 that is routed on the internet. */
const globalUnicast = ipaddr.IPv6.parseCIDR("2000::/3");

/** Whether an address is on the open internet, which those of the special-purpose registries are not (RFC 6890). */
export const isPublicAddress = (address: string): boolean => {
  if (!isIP(address)) return false;
  const parsed = ipaddr.parse(address);
  return parsed.range() === "unicast" && (parsed instanceof ipaddr.IPv4 || parsed.match(globalUnicast));
};

/** Whether an address is of this machine itself. */
export const isLoopbackAddress = (address: string): boolean => parse(address)?.range() === "loopback";

/** Whether a text is an address, or a range such as `10.0.0.0/8`. */
export const isAddressRange = (text: string): boolean =>
  isIP(text) !== 0 || ipaddr.IPv4.isValidCIDRFourPartDecimal(text) || ipaddr.IPv6.isValidCIDR(text);
