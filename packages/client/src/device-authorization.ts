// Owns the device flow: a program without a browser shows a code, and the user enters it on another device (RFC 8628).

import * as oauth from "oauth4webapi";
import { AuthorizationError, readError } from "./authorization-error.ts";
import type { AuthorizationServer } from "./authorization-server.ts";
import type { Grant, RedeemGrant } from "./grant.ts";

/** A pending device authorization: the user answers on another device. @see RFC 8628 §3.2 */
export interface DeviceAuthorization {
  /** The code that the user types at `verificationUri`. */
  readonly userCode: string;
  readonly verificationUri: string;
  /** The same address with the code in it, for a link or a QR code. The user still compares the code. */
  readonly verificationUriComplete: string | null;
  /** Epoch milliseconds by this machine's clock. */
  readonly expiresAt: number;
  /**
   * Waits for the user's answer. Polls as often as the server allows. Call it once.
   * @throws AuthorizationError `access_denied`, `expired_token`
   */
  readonly redeem: (options?: { readonly signal?: AbortSignal }) => Promise<Grant>;
}

export interface DeviceAuthorizationOptions {
  readonly server: AuthorizationServer;
  readonly scope: string;
  readonly redeemGrant: RedeemGrant;
  readonly now: () => number;
  readonly sleep: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
}

/** RFC 8628 §3.2, §3.5: the default interval, and the increase for each `slow_down`. */
const pollSeconds = 5;

/** The longest interval while the server is unreachable. */
const longestBackoffSeconds = 30;

export const requestDeviceAuthorization = async ({
  server,
  scope,
  redeemGrant,
  now,
  sleep,
}: DeviceAuthorizationOptions): Promise<DeviceAuthorization> => {
  const askedAt = now();
  const device = await server.exchange(async ({ metadata, client, clientAuthentication, http }) =>
    oauth.processDeviceAuthorizationResponse(
      metadata,
      client(),
      await oauth.deviceAuthorizationRequest(metadata, client(), clientAuthentication, { scope }, http),
    ),
  );
  const expiresAt = askedAt + device.expires_in * 1000;

  const poll = () =>
    redeemGrant(async ({ metadata, client, clientAuthentication, http }) => {
      const code = device.device_code;
      const response = await oauth.deviceCodeGrantRequest(metadata, client(), clientAuthentication, code, http);
      return { response, result: await oauth.processDeviceCodeResponse(metadata, client(), response) };
    });

  return {
    userCode: device.user_code,
    verificationUri: server.openable(device.verification_uri).href,
    verificationUriComplete:
      device.verification_uri_complete === undefined ? null : server.openable(device.verification_uri_complete).href,
    expiresAt,
    async redeem({ signal } = {}) {
      let waitSeconds = device.interval ?? pollSeconds;
      for (;;) {
        await sleep(waitSeconds * 1000, signal);
        if (now() >= expiresAt) throw new AuthorizationError("expired_token", "The code has expired");
        try {
          return await poll();
        } catch (error) {
          switch (readError(error).code) {
            case "authorization_pending":
              break;
            // RFC 8628 §3.5: applies to this and all later requests.
            case "slow_down":
              waitSeconds += pollSeconds;
              break;
            case "unreachable":
              waitSeconds = Math.max(waitSeconds, Math.min(waitSeconds * 2, longestBackoffSeconds));
              break;
            default:
              throw error;
          }
        }
      }
    },
  };
};
