// Owns what a client may say of itself when it registers over the wire (RFC 7591 §2): JSON from anybody, held to the
// limits of the page that registers clients. What is left is a registration that the authorization server can read.

import { NativeRedirectUri, RegisterClientInput, WebRedirectUri } from "@lockstep/kit";
import { z } from "zod";

const short = z.string().max(200);
const address = z.string().max(2000);
const listOf = <T extends z.ZodType>(item: T) => z.array(item).max(20);
/** The most that a registration may say in all: it is stored, and anybody may send one. */
const limitBytes = 8 * 1024;
/** As for the page of a client: people are shown it. */
const page = RegisterClientInput.shape.uri.unwrap().unwrap();

/** What is known of it, as far as its shape goes; the authorization server checks the rest, and ignores what it does not know. */
const WireRegistration = z.looseObject({
  redirect_uris: listOf(address),
  post_logout_redirect_uris: listOf(address).optional(),
  backchannel_logout_uri: address.optional(),
  initiate_login_uri: page.optional(),
  jwks_uri: address.optional(),
  jwks: z.looseObject({ keys: listOf(z.looseObject({})) }).optional(),
  client_name: short.optional(),
  client_uri: page.optional(),
  logo_uri: page.optional(),
  policy_uri: page.optional(),
  tos_uri: page.optional(),
  contacts: listOf(short).optional(),
  scope: z.string().max(2000).optional(),
  grant_types: listOf(short).optional(),
  response_types: listOf(short).optional(),
  response_modes: listOf(short).optional(),
  default_acr_values: listOf(short).optional(),
  default_max_age: z.int().min(0).optional(),
  application_type: short.optional(),
  subject_type: short.optional(),
  token_endpoint_auth_method: short.optional(),
  token_endpoint_auth_signing_alg: short.optional(),
  id_token_signed_response_alg: short.optional(),
  request_object_signing_alg: short.optional(),
  require_auth_time: z.boolean().optional(),
  require_signed_request_object: z.boolean().optional(),
  require_pushed_authorization_requests: z.boolean().optional(),
  dpop_bound_access_tokens: z.boolean().optional(),
  backchannel_logout_session_required: z.boolean().optional(),
});

/** What is refused, in the words of RFC 7591 §3.2.2. */
export interface RegistrationRefusal {
  readonly error: "invalid_redirect_uri" | "invalid_client_metadata";
  readonly error_description: string;
}

/**
 * A registration that came over the wire, without what does not count here: properties that are `null`, which are as
 * good as left out, and `sector_identifier_uri`, which is never fetched, since subjects are the same for all clients.
 * One that says no `application_type` is native if its addresses are a native client's.
 */
export const readWireRegistration = (
  body: Readonly<Record<string, unknown>>,
): { readonly registration: Record<string, unknown> } | RegistrationRefusal => {
  const { sector_identifier_uri: _, ...rest } = body;
  const said = Object.fromEntries(
    Object.entries(rest).filter(([name, value]) => value !== null || !(name in WireRegistration.shape)),
  );
  const { data, error } = WireRegistration.safeParse(said);
  if (!error) {
    if (sizeOf(data) > limitBytes) {
      const description = `the registration is larger than ${limitBytes} bytes`;
      return { error: "invalid_client_metadata", error_description: description };
    }
    return { registration: { application_type: typeOf(data.redirect_uris), ...data } };
  }
  const [{ path, message }] = error.issues as [z.core.$ZodIssue];
  const name = String(path[0] ?? "the registration");
  return {
    error: name === "redirect_uris" ? "invalid_redirect_uri" : "invalid_client_metadata",
    error_description: `${path.join(".")}: ${message}`.slice(0, 300),
  };
};

/** In bytes, as it would be stored. What is nested too deep to be written has far more brackets than the limit. */
const sizeOf = (registration: object): number => {
  try {
    return Buffer.byteLength(JSON.stringify(registration));
  } catch (error) {
    if (error instanceof RangeError) return Number.POSITIVE_INFINITY;
    throw error;
  }
};

/**
 * What a client is that says nothing. A scheme of its own is found on people's devices alone (RFC 8252 §7.1). So is a
 * client that comes back to the loopback interface and nowhere else (§7.3), where any port is then good: MCP clients and
 * command lines register like this. With an https address beside it, it is a web client in development.
 */
const typeOf = (redirectUris: readonly string[]): "native" | "web" => {
  const hasOwnScheme = (uri: string) =>
    !WebRedirectUri.safeParse(uri).success && NativeRedirectUri.safeParse(uri).success;
  const isLoopback = (uri: string) => uri.startsWith("http://") && WebRedirectUri.safeParse(uri).success;
  const isNative = redirectUris.some(hasOwnScheme) || (redirectUris.length > 0 && redirectUris.every(isLoopback));
  return isNative ? "native" : "web";
};
