// Owns what clients are told when a person's session of ours has ended, by whatever way: those that gave an address
// for it get a logout token (OpenID Connect Back-Channel Logout §2.5). When one of them asks for the end itself, the
// library does this.

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
  /** Tells them, once. Rejects with all that went wrong; nobody is told again. */
  const tell = async (sessionId: string): Promise<void> => {
    const { withoutPerson } = await import("./adapter.ts");
    // Records are kept as they came: what is stored under `Session` is what the library gave for one.
    const ended = await oauthRecords.release("Session", sessionId, (payload) =>
      withoutPerson(payload as AdapterPayload),
    );
    const told = ended.flatMap(({ accountId, authorizations }) =>
      Object.entries((authorizations ?? {}) as Authorizations).map(async ([clientId, { sid }]) => {
        const client = await (await provider()).Client.find(clientId);
        // `LoggedOut`: what the library's types leave out of its own class.
        if (client?.backchannelLogoutUri)
          await (client as typeof client & LoggedOut).backchannelLogout(String(accountId), sid);
      }),
    );
    const failures = (await Promise.allSettled(told)).filter(({ status }) => status === "rejected");
    if (failures.length > 0) throw new AggregateError(failures.map((each) => (each as PromiseRejectedResult).reason));
  };

  return {
    /** Tells them of each end from now on, until `end`, which waits for those that are being told. */
    begin(events: SessionEvents, report: (error: unknown) => void) {
      const underWay = new Set<Promise<void>>();
      let ending = false;
      events.onEach((_userId, event) => {
        if (event.type !== "session_ended" || ending) return;
        const telling = tell(event.sessionId)
          .catch(report)
          .finally(() => underWay.delete(telling));
        underWay.add(telling);
      });
      return {
        end: async () => {
          ending = true;
          await Promise.all(underWay);
        },
      };
    },
  };
};

/** The library declares no type for it; `logout.test.ts` fails when it goes. */
type LoggedOut = { backchannelLogout(accountId: string, sid: string | undefined): Promise<void> };

type Authorizations = Record<string, { readonly sid?: string }>;
