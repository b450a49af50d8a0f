// Owns reading `X-Forwarded-For` of trusted proxies. Proxies write addresses with ports and in brackets; all forms of
// one address count as the same (RFC 7239 §6 has the forms; this header has no specification).

import { isIP } from "node:net";
import { z } from "zod";
import { isAddressRange, plainAddress } from "../domain/kernel/ip-addresses.ts";

/** Matches `[v6]`, `[v6]:port` and `v4:port`. `net.SocketAddress.parse` would also accept `0x7f.1:80`. */
const withBracketsOrPort = /^(?:\[([^\]]+)\](?::\d+)?|(\d+\.\d+\.\d+\.\d+):\d+)$/;

/** An entry as a plain address, without port, brackets and zone. An entry that is no address stays as it is. */
const plainEntry = (entry: string): string => {
  const [, bracketed, dotted] = withBracketsOrPort.exec(entry) ?? [];
  const address = bracketed ?? dotted ?? entry;
  const plain = plainAddress(address);
  return isIP(plain) ? plain : entry;
};

/** The header with each entry as a plain address. */
export const plainForwardedFor = (header: string): string =>
  header
    .split(",")
    .map((entry) => plainEntry(entry.trim()))
    .join(", ");

const namedRanges = new Set(["loopback", "linklocal", "uniquelocal"]);

/** An address, a range such as 10.0.0.0/8, or one of the names of private ranges. */
export const ProxyRange = z.string().refine((text) => namedRanges.has(text) || isAddressRange(text), {
  error: ({ input }) => `has ${JSON.stringify(input)}, which is neither an address nor a range such as 10.0.0.0/8`,
});
