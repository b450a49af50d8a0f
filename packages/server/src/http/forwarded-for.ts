// Owns how `X-Forwarded-For` is read where a proxy is trusted: proxies write addresses with ports and in brackets, and
// each form of one address counts as the same (RFC 7239 §6 has the forms; this header has no specification).

import { isIP } from "node:net";
import ipaddr from "ipaddr.js";
import { z } from "zod";

/** An entry as a plain address: without port, brackets or zone, IPv4 where it is IPv4. What is none stays as it is. */
const plainAddress = (entry: string): string => {
  const [, bracketed, dotted] = /^(?:\[([^\]]+)\](?::\d+)?|(\d+\.\d+\.\d+\.\d+):\d+)$/.exec(entry) ?? [];
  const [address = ""] = (bracketed ?? dotted ?? entry).split("%");
  return isIP(address) ? ipaddr.process(address).toString() : entry;
};

/** The header with each entry as a plain address. */
export const plainForwardedFor = (header: string): string =>
  header
    .split(",")
    .map((entry) => plainAddress(entry.trim()))
    .join(", ");

const namedRanges = new Set(["loopback", "linklocal", "uniquelocal"]);

/** An address, a range such as 10.0.0.0/8, or one of the names that stand for the private ones. */
export const ProxyRange = z.string().refine(
  (text) => {
    const [address = "", bits, ...rest] = text.split("/");
    if (namedRanges.has(text)) return true;
    return rest.length === 0 && (bits === undefined ? isIP(address) !== 0 : ipaddr.isValidCIDR(text));
  },
  { error: ({ input }) => `has ${JSON.stringify(input)}, which is neither an address nor a range such as 10.0.0.0/8` },
);
