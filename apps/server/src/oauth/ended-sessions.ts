// Owns what applications are told when a person's session of ours has ended, by whatever way: those that gave an address
// for it get a logout token (OpenID Connect Back-Channel Logout §2.5). When one of them asks for the end itself, the
// library does this.

import type { AdapterPayload, Provider } from "oidc-provider";
import type { OAuthRecords } from "../domain/oauth-records.ts";

export const createEndedSessions = ({
  provider,
  oauthRecords,
}: {
  provider: () => Promise<Provider>;
  oauthRecords: OAuthRecords;
}) => ({
  /** Tells them, once. Rejects with all that went wrong; nobody is told again. */
  async tell(sessionId: string): Promise<void> {
    const { withoutPerson } = await import("./adapter.ts");
    const ended = await oauthRecords.release("Session", sessionId, (payload) =>
      withoutPerson(payload as unknown as AdapterPayload),
    );
    const told = ended.flatMap(({ accountId, authorizations }) =>
      Object.entries((authorizations ?? {}) as Authorizations).map(async ([clientId, { sid }]) => {
        const application = await (await provider()).Client.find(clientId);
        if (application?.backchannelLogoutUri)
          await (application as unknown as LoggedOut).backchannelLogout(String(accountId), sid);
      }),
    );
    const failures = (await Promise.allSettled(told)).filter(({ status }) => status === "rejected");
    if (failures.length > 0) throw new AggregateError(failures.map((each) => (each as PromiseRejectedResult).reason));
  },
});

/** The library declares no type for it; `logout.test.ts` fails when it goes. */
type LoggedOut = { backchannelLogout(accountId: string, sid: string | undefined): Promise<void> };

type Authorizations = Record<string, { readonly sid?: string }>;
