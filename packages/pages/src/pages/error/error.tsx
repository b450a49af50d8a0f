// Requests of apps that cannot be answered: what is wrong, and, for unverified apps, a question before the browser is
// sent to them (RFC 9700 §4.11.2).

import type { ProtocolPage } from "@lockstep/kit";
import { Button } from "@mantine/core";
import { cardClasses, Page, PageLink, paths, useWords } from "../../parts.ts";
import styles from "./error.module.css";
import { errorWords } from "./words.ts";

type Of<P extends ProtocolPage["page"]> = Extract<ProtocolPage, { page: P }>;

/** The data that the server embedded in the page. */
export type ErrorPageMessage = Of<"leave" | "error">;

export const ErrorPage = ({ message }: { message: ErrorPageMessage }) => {
  const words = useWords("error", errorWords);
  switch (message.page) {
    case "leave":
      return <Leave page={message} />;
    case "error":
      return (
        <Page title={words.title} lead={words.lead} narrow>
          <Facts error={message.error} description={message.description} />
          <PageLink to={paths.account}>{words.home}</PageLink>
        </Page>
      );
  }
};

const Leave = ({ page: { client: app, to, action, fields, refusal } }: { page: Of<"leave"> }) => {
  const words = useWords("error", errorWords).leave;
  const name = app?.name ?? words.someApp;
  return (
    <Page title={words.title(to)} lead={refusal ? words.refused(name) : words.signedOut(name)} narrow>
      <div className={cardClasses.card}>
        <div className={cardClasses.fields}>
          <p className={styles.place}>{to}</p>
          <p className={styles.caution}>{words.caution}</p>
          {fields === null ? (
            <Button component="a" href={action} rel="noreferrer" fullWidth>
              {words.continue(to)}
            </Button>
          ) : (
            <form method="post" action={action}>
              {Object.entries(fields).map(([field, value]) => (
                <input key={field} type="hidden" name={field} value={value} />
              ))}
              <Button type="submit" fullWidth>
                {words.continue(to)}
              </Button>
            </form>
          )}
        </div>
      </div>
      {refusal && <Facts error={refusal.error} description={refusal.description} />}
      <PageLink to={paths.account}>{words.stay}</PageLink>
    </Page>
  );
};

const Facts = ({ error, description }: { error: string; description: string | null }) => {
  const words = useWords("error", errorWords);
  return (
    <dl className={`${cardClasses.card} ${styles.facts}`}>
      {description !== null && (
        <div>
          <dt>{words.description}</dt>
          <dd>{description}</dd>
        </div>
      )}
      <div>
        <dt>{words.error}</dt>
        <dd>
          <code>{error}</code>
        </dd>
      </div>
    </dl>
  );
};
