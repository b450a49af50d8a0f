// Owns requests to addresses that others name, such as an identity provider's metadata and the URLs in it. Such a
// request must not reach this machine's private network (OWASP ASVS 1.3.6: server-side request forgery), take too long,
// or fill the memory. The name is looked up once, and the connection goes to the checked address.

import type { lookup as dnsLookup, LookupAddress } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { isLoopbackAddress, isPublicAddress } from "./domain/kernel/ip-addresses.ts";

/** Like that of `node:dns`. Tests replace it. */
export type Lookup = typeof dnsLookup;

export interface OutboundRules {
  /** Whether private addresses are allowed, and plain http to this machine. */
  readonly allowPrivateAddresses: boolean;
}

/** The largest response body, decompressed: a hundred times the size of key sets and profiles. */
const maxBodyBytes = 256 * 1024;

export interface OutboundOptions {
  readonly lookup: Lookup;
  /** From the DNS lookup to the last byte of the body. */
  readonly timeoutMs: number;
}

/**
 * The request was not sent, or its response was refused. `reason` is for the log, and contains nothing of the response.
 */
export class OutboundError extends Error {
  override readonly name = "OutboundError";
}

/** Sends a request. */
export type ObserveOutbound = (
  request: { readonly method: string; readonly url: URL },
  send: () => Promise<Response>,
) => Promise<Response>;

const unobserved: ObserveOutbound = (_request, send) => send();

export type Outbound = ReturnType<typeof createOutbound>;

export const createOutbound = ({ lookup, timeoutMs }: OutboundOptions, observe = unobserved) => {
  /** Loaded at the first request: most servers send none, and the library is a tenth of what a start loads. */
  let connections: ReturnType<typeof connect> | undefined;
  const connect = async () => {
    const { Agent, fetch } = await import("undici");
    const agent = (connectLookup: LookupFunction) =>
      new Agent({ connect: { lookup: connectLookup }, maxHeaderSize: 16 * 1024 });
    return { fetch, anywhere: agent(lookup as LookupFunction), publicOnly: agent(publicLookup(lookup)) };
  };

  return {
    /** A `fetch` with these rules: no redirects, limited size and time, one retry of a GET. */
    fetchFor({ allowPrivateAddresses }: OutboundRules) {
      return async (address: string | URL, init: RequestInit = {}): Promise<Response> => {
        const url = new URL(address);
        refuseUnlessReachable(url, allowPrivateAddresses);
        const signal = AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(init.signal ? [init.signal] : [])]);
        connections ??= connect();
        const { fetch, anywhere, publicOnly } = await connections;
        const method = init.method ?? "GET";
        const send = () => observe({ method, url }, sendOnce);
        const sendOnce = async () => {
          const response = await fetch(url, {
            ...(init as object),
            signal,
            redirect: "manual",
            dispatcher: allowPrivateAddresses ? anywhere : publicOnly,
          });
          const { status, headers } = response;
          if (status >= 300 && status < 400) {
            await response.body?.cancel();
            throw new OutboundError(`${url.origin} answered with a redirect, which is not followed`);
          }
          const body = await readWithin(response.body, url);
          return new Response(nullBodyStatus.has(status) ? null : body, {
            status,
            headers: [...headers].filter(([name]) => !/^(content-encoding|content-length)$/.test(name)),
          });
        };
        try {
          return await send();
        } catch (error) {
          // A broken connection during a GET is worth a second try.
          if (mayPass(error) && method === "GET" && !signal.aborted) return await send().catch(rethrow(url, timeoutMs));
          return rethrow(url, timeoutMs)(error);
        }
      };
    },

    close: async () => {
      const { anywhere, publicOnly } = (await connections) ?? {};
      await Promise.all([anywhere?.destroy(), publicOnly?.destroy()]);
    },
  };
};

const nullBodyStatus = new Set([204, 205, 304]);

const mayPass = (error: unknown) => !(error instanceof OutboundError) && !(causeOf(error) instanceof OutboundError);

const causeOf = (error: unknown) => (error instanceof Error ? error.cause : undefined);

const rethrow =
  (url: URL, timeoutMs: number) =>
  (error: unknown): never => {
    if (error instanceof OutboundError) throw error;
    const cause = causeOf(error);
    if (cause instanceof OutboundError) throw cause;
    const { name, code } = (cause ?? error) as { name?: string; code?: string };
    if (name === "TimeoutError" || (error as Error).name === "TimeoutError")
      throw new OutboundError(`${url.origin} did not answer within ${timeoutMs / 1000} seconds`);
    throw new OutboundError(`${url.origin} cannot be reached (${code ?? name ?? "unknown"})`);
  };

/** The body, decompressed, up to the limit. */
const readWithin = async (body: AsyncIterable<Uint8Array> | null, url: URL): Promise<Uint8Array<ArrayBuffer>> => {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of body ?? []) {
    sizeBytes += chunk.length;
    if (sizeBytes > maxBodyBytes) throw new OutboundError(`${url.origin} answered with more than the size limit`);
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
};

const refuseUnlessReachable = (url: URL, allowPrivateAddresses: boolean) => {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (url.protocol !== "https:" && !(allowPrivateAddresses && url.protocol === "http:" && isLoopbackName(host)))
    throw new OutboundError(`${url.origin} is not requested: it does not use https`);
  if (url.username || url.password)
    throw new OutboundError(`${url.origin} is not requested: the URL contains a password`);
  // IP addresses are not looked up.
  if (!allowPrivateAddresses && isIP(host) && !isPublicAddress(host))
    throw new OutboundError(`${url.origin} is not requested: its address is private`);
};

const isLoopbackName = (host: string) => host === "localhost" || isLoopbackAddress(host);

const publicLookup =
  (lookup: Lookup): LookupFunction =>
  (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      if (error) return callback(error, "", 4);
      // One private address among public ones is how DNS rebinding works.
      if (!addresses.every(({ address }) => isPublicAddress(address)) || !addresses[0])
        return callback(new OutboundError(`${hostname} is not requested: its address is private`), "", 4);
      if (options.all) return callback(null, addresses);
      return callback(null, addresses[0].address, addresses[0].family);
    });
  };
