// Owns back-channel logout: when a session of ours ends, for whatever reason, clients with a logout URI get a logout
// token (OpenID Connect Back-Channel Logout §2.5). When a client itself asks for the sign-out, the library does this.

import type { AdapterPayload, Provider } from "oidc-provider";
import type { OAuthRecords } from "../domain/clients/oauth-records.ts";
import type { SessionEvents } from "../domain/sessions/session-events.ts";

export const createEndedSessions = ({
  provider,
  oauthRecords,
}: {
  provider: () => Promise<Provider>;
  oauthRecords: OAuthRecords;
}) => {
  /** Notifies clients once. Rejects with every failure; nothing is sent again. */
  const notify = async (sessionId: string): Promise<void> => {
    const { withoutPerson } = await import("./adapter.ts");
    // Payloads are stored unchanged: a `Session` record is what the library wrote.
    const ended = await oauthRecords.release("Session", sessionId, (payload) =>
      withoutPerson(payload as AdapterPayload),
    );
    const notifications = ended.flatMap(({ accountId, authorizations }) =>
      Object.entries((authorizations ?? {}) as Authorizations).map(async ([clientId, { sid }]) => {
        const client = await (await provider()).Client.find(clientId);
        // `LoggedOut` declares what the library's types leave out.
        if (client?.backchannelLogoutUri)
          await (client as typeof client & LoggedOut).backchannelLogout(String(accountId), sid);
      }),
    );
    const failures = (await Promise.allSettled(notifications)).filter(({ status }) => status === "rejected");
    if (failures.length > 0) throw new AggregateError(failures.map((each) => (each as PromiseRejectedResult).reason));
  };

  return {
    /** Notifies clients of every ended session until `end`, which waits for pending notifications. */
    begin(events: SessionEvents, report: (error: unknown) => void) {
      const pending = new Set<Promise<void>>();
      let ending = false;
      events.onEach((_userId, event) => {
        if (event.type !== "session_ended" || ending) return;
        const notifying = notify(event.sessionId)
          .catch(report)
          .finally(() => pending.delete(notifying));
        pending.add(notifying);
      });
      return {
        end: async () => {
          ending = true;
          await Promise.all(pending);
        },
      };
    },
  };
};

/** The library has no type for it; `logout.test.ts` fails when it is removed. */
type LoggedOut = { backchannelLogout(accountId: string, sid: string | undefined): Promise<void> };

type Authorizations = Record<string, { readonly sid?: string }>;
