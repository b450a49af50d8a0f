// Owns `Basic` authentication without a secret, as some libraries send it for public clients. The library refuses an
// empty secret, so it gets the `client_id` parameter of a public client instead (RFC 6749 §3.2.1).

import type { IncomingHttpHeaders } from "node:http";
import type { Clients } from "../domain/clients/clients.ts";

interface Sent {
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** The request with `client_id` in the form if a public client sent `Basic id:`; otherwise unchanged. */
export const withPublicClientId = async (clients: Clients, { headers, body }: Sent): Promise<Sent> => {
  const { authorization, ...rest } = headers;
  const id = authorization === undefined ? null : idWithoutSecret(authorization);
  if (id === null) return { headers, body };
  const client = await clients.registrationOf(id);
  if (client?.registration["token_endpoint_auth_method"] !== "none") return { headers, body };
  const form = new URLSearchParams(body.toString());
  // The library refuses a second ID.
  if (!form.getAll("client_id").includes(id)) form.append("client_id", id);
  return { headers: rest, body: Buffer.from(form.toString()) };
};

/** RFC 6749 §2.3.1: id and secret are form-encoded before they are base64. */
const idWithoutSecret = (authorization: string): string | null => {
  const [, encoded] = /^basic +([\w+/]+={0,2})$/i.exec(authorization.trim()) ?? [];
  const [, id] = /^([^:]+):$/.exec(Buffer.from(encoded ?? "", "base64").toString()) ?? [];
  if (id === undefined) return null;
  try {
    return decodeURIComponent(id.replaceAll("+", " "));
  } catch {
    return null;
  }
};
