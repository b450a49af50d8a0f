// Asks the user for consent. Shows the app, the requested access and its duration, where the answer goes, and what was
// allowed before.

import type { AuthorizationRequest } from "@lockstep/kit";
import { Button } from "@mantine/core";
import {
  ClientIcon,
  cardClasses,
  durationOf,
  type Failure,
  FailureNotice,
  Page,
  ScopeList,
  UnverifiedNotice,
  useBrand,
  useLanguage,
  useSlots,
  useWords,
} from "../../parts.ts";
import { AccountInUse, type AccountInUseProps } from "./account-in-use.tsx";
import styles from "./consent.module.css";
import { consentWords } from "./words.tsx";

export interface ConsentQuestionProps {
  readonly request: AuthorizationRequest;
  readonly account: AccountInUseProps;
  /** Why the last decision did not arrive. */
  readonly failure: Failure | null;
  /** The decision that is being sent. */
  readonly deciding: "allow" | "deny" | null;
  readonly onAllow: () => void;
  readonly onDeny: () => void;
}

export const ConsentQuestion = ({ request, account, failure, deciding, onAllow, onDeny }: ConsentQuestionProps) => {
  const { client: app, returnsTo, scopes, lastsSeconds } = request;
  const brand = useBrand();
  const language = useLanguage();
  const words = useWords("consent", consentWords);
  const slots = useSlots("consent");
  const asked = scopes.filter(({ grantedBefore }) => !grantedBefore);
  const before = scopes.filter(({ grantedBefore }) => grantedBefore);
  return (
    <Page title={words.title(app.name, brand.name)} icon={<ClientIcon />} narrow>
      {slots.above && <slots.above request={request} />}
      <div className={cardClasses.card}>
        <div className={cardClasses.fields}>
          <AccountInUse {...account} />
          {!app.verified && <UnverifiedNotice returnsTo={returnsTo} />}
          {asked.length > 0 && (
            <section>
              <h2 className={styles.asks}>{before.length > 0 ? words.asksNew : words.asks}</h2>
              <ScopeList scopes={asked} />
            </section>
          )}
          {before.length > 0 && (
            <section>
              <h2 className={styles.before}>{words.allowedBefore}</h2>
              <ScopeList scopes={before} quiet />
            </section>
          )}
          <dl className={styles.facts}>
            <div>
              <dt>{words.howLong}</dt>
              <dd>{words.lasts(durationOf(lastsSeconds, language))}</dd>
            </div>
            <div>
              <dt>{words.next}</dt>
              <dd>{returnsTo === null ? words.backToDevice : <strong>{returnsTo}</strong>}</dd>
            </div>
            {app.uri !== null && (
              <div>
                <dt>{words.about}</dt>
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
              {deciding === "deny" ? words.denying : words.deny}
            </Button>
            <Button aria-disabled={deciding !== null} onClick={onAllow}>
              {deciding === "allow" ? words.allowing : words.allow}
            </Button>
          </div>
        </div>
      </div>
      {slots.below && <slots.below request={request} />}
    </Page>
  );
};
