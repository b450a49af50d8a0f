import { BlockList } from "node:net";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isAddressRange, isLoopbackAddress, isPublicAddress, network } from "./ip-addresses.ts";

describe("a network", () => {
  const group = fc.integer({ min: 0, max: 0xffff });
  const address = fc.oneof(
    fc.ipV6(),
    fc
      .tuple(group, group, group, group, group, group, group, group)
      .map((groups) => groups.map((n) => n.toString(16)).join(":")),
  );
  /** A /64 as Node computes it. */
  const inNetworkOf = (one: string, other: string) => {
    const list = new BlockList();
    list.addSubnet(one, 64, "ipv6");
    return list.check(other, "ipv6");
  };
  const isMapped = (each: string) => {
    const mapped = new BlockList();
    mapped.addSubnet("::ffff:0:0", 96, "ipv6");
    return mapped.check(each, "ipv6");
  };

  /** RFC 4291 §2.5.5.1: deprecated, and counted as the IPv4 address in it. */
  const isCompatible = (each: string) => /^::\d+\.\d+/.test(each);

  it("[S67] is the /64 of an IPv6 address in any notation", () => {
    fc.assert(
      fc.property(address, address, (one, other) => {
        fc.pre(!isMapped(one) && !isMapped(other) && !isCompatible(one) && !isCompatible(other));
        expect(network(one)).toMatch(/^([0-9a-f]{1,4}:){4}:\/64$/);
        expect(network(one.toUpperCase())).toBe(network(one));
        expect(network(`${one}%eth0`)).toBe(network(one));
        expect(network(one) === network(other)).toBe(inNetworkOf(one, other));
      }),
      { numRuns: 500 },
    );
  });

  it("[S67] contains every address that differs only in the last 64 bits", () => {
    const half = fc.tuple(group, group, group, group).map((groups) => groups.map((n) => n.toString(16)).join(":"));
    fc.assert(
      fc.property(half, half, half, (prefix, one, other) => {
        fc.pre(!isMapped(`${prefix}:${one}`) && !isMapped(`${prefix}:${other}`));
        expect(network(`${prefix}:${one}`)).toBe(network(`${prefix}:${other}`));
      }),
    );
  });

  it("is the address itself for IPv4, also mapped into IPv6", () => {
    fc.assert(
      fc.property(fc.ipV4(), (each) => {
        expect(network(each)).toBe(each);
        expect(network(`::ffff:${each}`)).toBe(each);
        const [a = 0, b = 0, c = 0, d = 0] = each.split(".").map(Number);
        expect(network(`::FFFF:${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`)).toBe(each);
      }),
    );
  });

  it.each([
    ["::1", "0:0:0:0::/64"],
    ["2001:DB8::1", "2001:db8:0:0::/64"],
    ["2001:0db8:0000:0001:0:0:0:1", "2001:db8:0:1::/64"],
    ["1::2:3:4:5:6.7.8.9", "1:0:2:3::/64"],
    ["not an address", "not an address"],
  ])("of %s is %s", (each, expected) => {
    expect(network(each)).toBe(expected);
  });
});

it.each([
  ["8.8.8.8", true],
  ["100.63.255.255", true],
  ["100.64.0.0", false],
  ["172.15.255.255", true],
  ["172.31.255.255", false],
  ["223.255.255.255", true],
  ["224.0.0.1", false],
  ["240.0.0.1", false],
  ["255.255.255.255", false],
  ["10.1.2.3", false],
  ["127.0.0.1", false],
  ["169.254.169.254", false],
  ["192.0.2.1", false],
  ["192.168.0.1", false],
  ["198.18.0.1", false],
  ["198.51.100.1", false],
  ["203.0.113.1", false],
  ["0.0.0.0", false],
  ["2606:4700:4700::1111", true],
  ["2001:4860:4860::8888", true],
  ["2001:db8::1", false],
  ["2001::1", false],
  ["::ffff:8.8.8.8", false],
  ["::", false],
  ["ff02::1", false],
  ["4000::1", false],
  ["::7f00:1", false],
  ["64:ff9b::808:808", false],
  ["fc00::1", false],
  ["fe80::1%eth0", false],
  ["2002:808:808::1", false],
  ["3fff::1", false],
  ["0x7f.1", false],
  ["134744072", false],
  ["not an address", false],
])("%s is on the open internet: %s", (address, expected) => {
  expect(isPublicAddress(address)).toBe(expected);
});

it.each([
  ["127.0.0.1", true],
  ["127.255.0.1", true],
  ["::1", true],
  ["::ffff:127.0.0.1", true],
  ["128.0.0.1", false],
  ["::2", false],
  ["127.example.com", false],
])("%s is of this machine: %s", (address, expected) => {
  expect(isLoopbackAddress(address)).toBe(expected);
});

it.each([
  ["10.0.0.1", true],
  ["10.0.0.0/8", true],
  ["2001:db8::/32", true],
  ["::1", true],
  ["10.0.0.0/33", false],
  ["10/8", false],
  ["0x0a.0.0.0/8", false],
  ["10.0.0.0/8/8", false],
  ["10.0.0.0/", false],
  ["proxy.internal", false],
  ["", false],
])("%j is an address or a range: %s", (text, expected) => {
  expect(isAddressRange(text)).toBe(expected);
});
