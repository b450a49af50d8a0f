// Owns the checks of the way from the public address to the server: whether this server answers there, and whether proxies
// pass on who calls, and cookies.

import { z } from "zod";
import type { Config } from "../config.ts";
import type { Db } from "../db/database.ts";
import { plainAddress } from "../domain/kernel/ip-addresses.ts";
import { createSealed } from "../domain/kernel/sealed.ts";
import { createSecrets } from "../domain/kernel/secrets.ts";
import { readStoredKeys } from "../domain/tokens/keyring.ts";
import { SeenRequest, seenRequestPath, seenRequestSeconds } from "../http/seen-request.ts";
import { createOutbound, OutboundError } from "../outbound.ts";
import type { WorldOptions } from "../world.ts";
import { type Outcome, outcomeOf, type Problem } from "./check.ts";

/**
 * Addresses that are nobody's (RFC 5737), as a caller would claim them. A server that trusts everybody takes the first.
 * One that trusts this machine, such as a server beside its proxy, takes the second.
 */
const claimedAddresses = ["192.0.2.77", "198.51.100.77"] as const;

/** What a browser says about a call from a page of this server. */
const browserHeaders = (publicUrl: string) => ({ origin: publicUrl, "sec-fetch-site": "same-origin" });

/** What the server at the public address saw of two requests, the second of a caller who claims an address. */
export interface SeenRequests {
  readonly first: SeenRequest;
  /** `Set-Cookie` of the first answer, as it arrived. */
  readonly setCookie: readonly string[];
  readonly second: SeenRequest;
}

export interface PublicUrlOptions {
  readonly config: Config & { readonly secret: string };
  readonly world: WorldOptions;
  /** `null`: it cannot be used. */
  readonly db: Db | null;
}

/** Asks the server at the public address. `seen` is `null` when another one answers, or none. */
export const checkPublicUrl = async ({
  config: { publicUrl, secret, previousSecrets },
  world: { now, random, outbound: options },
  db,
}: PublicUrlOptions): Promise<{ seen: SeenRequests | null; outcome: Outcome }> => {
  const problem = (text: string, advice: string) => ({
    seen: null,
    outcome: outcomeOf([{ problem: text, advice }], ""),
  });
  const outbound = createOutbound(options);
  // The operator's own address may be private.
  const fetch = outbound.fetchFor({ allowPrivateAddresses: true });
  const sealed = createSealed({ secrets: createSecrets(secret, previousSecrets), now });
  const otherServer =
    "Start the server with these settings, and send requests to PUBLIC_URL to it, all paths and unchanged.";
  try {
    const metadata = await jsonOf(await fetch(`${publicUrl}/.well-known/openid-configuration`));
    const issuer = Metadata.safeParse(metadata).data?.issuer;
    if (issuer === undefined)
      return problem(
        `What answers at ${publicUrl} is not this server: it has no metadata of OpenID Connect.`,
        otherServer,
      );
    if (issuer !== publicUrl)
      return problem(
        `The server at ${publicUrl} issues tokens as ${issuer.slice(0, 200)}.`,
        "Its PUBLIC_URL must be the address at which clients reach it.",
      );
    const published = KeySet.safeParse(await jsonOf(await fetch(`${publicUrl}/jwks`))).data?.keys ?? [];
    const stored = db && (await readStoredKeys(db, createSecrets(secret, previousSecrets)));
    if (stored && stored.length > 0 && !stored.some(({ id }) => published.some(({ kid }) => kid === id)))
      return problem(
        `The server at ${publicUrl} signs with keys that are not in this database.`,
        "Run this command with the same DATABASE_URL as the server.",
      );
    const ask = async (headers: Record<string, string>) => {
      const nonce = Buffer.from(random(16)).toString("base64url");
      const token = await sealed.seal("doctor", nonce, seenRequestSeconds);
      return fetch(`${publicUrl}${seenRequestPath}`, {
        headers: { ...browserHeaders(publicUrl), authorization: `Bearer ${token}`, ...headers },
      });
    };
    const answer = await ask({});
    const first = SeenRequest.safeParse(await jsonOf(answer)).data;
    if (!first)
      return problem(
        `The server at ${publicUrl} does not know this command: ${seenRequestPath} answered ${answer.status}.`,
        "Pass this path on to the server, with `Authorization`. The server must have the same SECRET, and this version.",
      );
    const headers = { "x-forwarded-for": claimedAddresses.join(", "), cookie: first.setCookie.split(";", 1)[0] ?? "" };
    const second = SeenRequest.safeParse(await jsonOf(await ask(headers))).data;
    if (!second)
      return problem(
        `The server at ${publicUrl} knows this command at one request, and not at the next.`,
        "All servers behind PUBLIC_URL must have the same SECRET and version. A proxy must not refuse X-Forwarded-For.",
      );
    return {
      seen: { first, setCookie: answer.headers.getSetCookie(), second },
      outcome: { found: `this server answers at ${publicUrl}` },
    };
  } catch (error) {
    if (!(error instanceof OutboundError)) throw error;
    return problem(
      `${error.message}.`,
      "Start the server, and check the name, the certificate and the proxy. From inside a network its public address may not be reachable: run this command elsewhere, or with `--skip public-url`.",
    );
  } finally {
    await outbound.close();
  }
};

const Metadata = z.object({ issuer: z.string() });
const KeySet = z.object({ keys: z.array(z.object({ kid: z.string().optional() })) });

/** `null`: it is not JSON. */
const jsonOf = async (response: Response): Promise<unknown> => {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
};

/** Whether the server knows who calls: all limits of attempts count by address. */
export const checkProxy = ({ first, second }: SeenRequests, { trustProxy }: Config): Outcome => {
  const { address, forwardedFor } = first;
  const peer = plainAddress(first.peer ?? "");
  if (forwardedFor === null)
    return outcomeOf(
      trustProxy === false
        ? []
        : [
            {
              problem: "TRUST_PROXY trusts a proxy, and requests arrive without X-Forwarded-For.",
              advice: "Let the proxy set the header (docs/nginx.conf), or set TRUST_PROXY=off.",
            },
          ],
      `no proxy names callers; this one came from ${address}`,
    );
  if (trustProxy === false || (address === first.peer && address !== plainLast(forwardedFor)))
    return outcomeOf(
      [
        {
          problem: `A proxy at ${peer} names the caller, and is not trusted: all callers count as one, which reaches the limits of all.`,
          advice: `Set TRUST_PROXY to the addresses of your proxies: ${peer}.`,
        },
      ],
      "",
    );
  return outcomeOf(
    second.address === claimedAddresses[0]
      ? [
          {
            problem: "Callers can choose the address that the server sees, and so pass every limit of attempts.",
            advice: `Set TRUST_PROXY to the addresses of your proxies, such as ${peer}, or let the first proxy replace X-Forwarded-For.`,
          },
        ]
      : [],
    `the proxy at ${peer} names callers; this one came from ${address}`,
  );
};

const plainLast = (forwardedFor: string) => forwardedFor.split(",").at(-1)?.trim();

/** Whether cookies and what browsers say about a call arrive unchanged, in both directions. */
export const checkCookies = ({ first, setCookie, second }: SeenRequests, { publicUrl }: Config): Outcome => {
  const problems: Problem[] = [];
  const [arrived] = setCookie;
  if (arrived !== first.setCookie)
    problems.push({
      problem:
        arrived === undefined
          ? "A proxy removes Set-Cookie from answers: nobody stays signed in."
          : `A proxy changes cookies: ${attributesOf(first.setCookie)} arrives as ${attributesOf(arrived)}.`,
      advice: "Let the proxy pass on Set-Cookie unchanged (nginx: no proxy_cookie_* and no proxy_hide_header).",
    });
  if (second.cookie !== cookieValueOf(first.setCookie))
    problems.push({
      problem: "A proxy removes or changes the header Cookie of requests: everybody is signed out at once.",
      advice: "Let the proxy pass on Cookie unchanged.",
    });
  const { origin, "sec-fetch-site": site } = browserHeaders(publicUrl);
  if (first.origin !== origin || first.site !== site)
    problems.push({
      problem: "A proxy removes or changes Origin or Sec-Fetch-Site, by which the server knows its own pages.",
      advice: "Let the proxy pass on both headers unchanged.",
    });
  return outcomeOf(problems, "arrive unchanged in both directions");
};

/** Everything but the value. */
const attributesOf = (line: string) => line.replace(/=[^;]*/, "=…");

const cookieValueOf = (line: string) => /=([^;]*)/.exec(line)?.[1];
