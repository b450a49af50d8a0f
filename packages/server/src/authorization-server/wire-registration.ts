// Owns what a client may send when it registers over the wire (RFC 7591 §2): untrusted JSON, with the same limits as
// the page that registers clients, reduced to a registration that the library can read.

import { NativeRedirectUri, RegisterClientInput, WebRedirectUri } from "@lockstep/kit";
import { z } from "zod";

const short = z.string().max(200);
const address = z.string().max(2000);
const listOf = <T extends z.ZodType>(item: T) => z.array(item).max(20);
/** The size limit of a registration: it is stored, and anybody may send one. */
const limitBytes = 8 * 1024;
/** The rule of the registration page for the client's home page, since people see these URLs. */
const page = RegisterClientInput.shape.uri.unwrap().unwrap();

/** The shape of the known properties. The library validates the rest, and ignores unknown ones. */
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

/** A refusal as RFC 7591 §3.2.2 spells it. */
export interface RegistrationRefusal {
  readonly error: "invalid_redirect_uri" | "invalid_client_metadata";
  readonly error_description: string;
}

/**
 * A registration that came over the wire, without ignored properties: those that are `null`, which count as absent, and
 * `sector_identifier_uri`, which is never fetched, since subjects are the same for all clients. Without
 * `application_type`, a client is native if its redirect URIs are a native client's.
 */
export const readWireRegistration = (
  body: Readonly<Record<string, unknown>>,
): { readonly registration: Record<string, unknown> } | RegistrationRefusal => {
  const { sector_identifier_uri: _, ...rest } = body;
  const properties = Object.fromEntries(
    Object.entries(rest).filter(([name, value]) => value !== null || !(name in WireRegistration.shape)),
  );
  const { data, error } = WireRegistration.safeParse(properties);
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

/** The stored size in bytes. JSON nested too deep to be serialized has far more brackets than the limit. */
const sizeOf = (registration: object): number => {
  try {
    return Buffer.byteLength(JSON.stringify(registration));
  } catch (error) {
    if (error instanceof RangeError) return Number.POSITIVE_INFINITY;
    throw error;
  }
};

/**
 * The type of a client that names none. A custom scheme exists only on people's devices (RFC 8252 §7.1). A client that
 * redirects only to the loopback interface (§7.3), where any port is allowed, is native too: MCP clients and command
 * lines register like this. With an https URI as well, it is a web client in development.
 */
const typeOf = (redirectUris: readonly string[]): "native" | "web" => {
  const hasOwnScheme = (uri: string) =>
    !WebRedirectUri.safeParse(uri).success && NativeRedirectUri.safeParse(uri).success;
  const isLoopback = (uri: string) => uri.startsWith("http://") && WebRedirectUri.safeParse(uri).success;
  const isNative = redirectUris.some(hasOwnScheme) || (redirectUris.length > 0 && redirectUris.every(isLoopback));
  return isNative ? "native" : "web";
};
