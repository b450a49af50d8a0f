// The question whether an app may have what it asks for: who asks, for what, for how long, where the answer
// goes, and what of it the person allowed before.

import { brand } from "@app/contract";
import type { AuthorizationRequest } from "@lockstep/kit";
import { Button } from "@mantine/core";
import type { Failure } from "../failures/failure.ts";
import { FailureNotice } from "../failures/failure-notice.tsx";
import card from "../shell/card.module.css";
import { Page } from "../shell/page.tsx";
import { durationOf } from "../words/duration.ts";
import { AccountInUse, type AccountInUseProps } from "./account-in-use.tsx";
import styles from "./interaction.module.css";
import { ScopeList } from "./scope-list.tsx";
import { UnverifiedNotice } from "./unverified.tsx";

export interface ConsentProps {
  readonly request: AuthorizationRequest;
  readonly account: AccountInUseProps;
  /** Why the last decision did not arrive. */
  readonly failure: Failure | null;
  /** What is on its way. */
  readonly deciding: "allow" | "deny" | null;
  readonly onAllow: () => void;
  readonly onDeny: () => void;
}

export const Consent = ({ request, account, failure, deciding, onAllow, onDeny }: ConsentProps) => {
  const { client: app, returnsTo, scopes, lastsSeconds } = request;
  const asked = scopes.filter(({ grantedBefore }) => !grantedBefore);
  const before = scopes.filter(({ grantedBefore }) => grantedBefore);
  return (
    <Page title={`${app.name} asks for access to your ${brand.name} account`} narrow>
      <div className={card.card}>
        <div className={card.fields}>
          <AccountInUse {...account} />
          {!app.verified && <UnverifiedNotice returnsTo={returnsTo} />}
          {asked.length > 0 && (
            <section>
              <h2 className={styles.asks}>{before.length > 0 ? "New this time, it wants to" : "It wants to"}</h2>
              <ScopeList scopes={asked} />
            </section>
          )}
          {before.length > 0 && (
            <section>
              <h2 className={styles.before}>
                {asked.length > 0 ? "You allowed it before to" : "It wants, as before, to"}
              </h2>
              <ScopeList scopes={before} quiet />
            </section>
          )}
          <dl className={styles.facts}>
            <div>
              <dt>How long</dt>
              <dd>
                Until you end it under <strong>Apps</strong> in your account, or until it is not used for{" "}
                {durationOf(lastsSeconds)}.
              </dd>
            </div>
            <div>
              <dt>Where you go next</dt>
              <dd>{returnsTo === null ? "Back to your device, which is told." : <strong>{returnsTo}</strong>}</dd>
            </div>
            {app.uri !== null && (
              <div>
                <dt>About it</dt>
                <dd>
                  <a href={app.uri} target="_blank" rel="noreferrer">
                    {app.uri.replace(/^https:\/\//, "")}
                  </a>
                </dd>
              </div>
            )}
          </dl>
          {failure && <FailureNotice failure={failure} takesFocus />}
          <div className={styles.decision}>
            <Button variant="default" aria-disabled={deciding !== null} onClick={onDeny}>
              {deciding === "deny" ? "Denying…" : "Deny"}
            </Button>
            <Button aria-disabled={deciding !== null} onClick={onAllow}>
              {deciding === "allow" ? "Allowing…" : "Allow"}
            </Button>
          </div>
        </div>
      </div>
    </Page>
  );
};
