// Identities and grants that were recently added to the account. Users can revoke those that they do not recognise
// together with the change of the password.

import { type ConnectedClient, type Identity, type RecentAccess, recentAccessDays } from "@lockstep/kit";
import { Link } from "wouter";
import { Ago, Choice, Choices, cardClasses, paths, UnverifiedMark, useWords } from "../../parts.ts";
import styles from "./recent-access.module.css";
import { passwordWords } from "./words.tsx";

/** The access that is revoked with the change. */
export interface ChosenAccess {
  /** IDs of identities. */
  readonly identities: readonly string[];
  /** IDs of clients whose grants are revoked. */
  readonly clients: readonly string[];
  /** Older grants too. */
  readonly everyGrant: boolean;
}

export const nothingChosen: ChosenAccess = { identities: [], clients: [], everyGrant: false };

export interface RecentAccessChoiceProps {
  readonly recent: RecentAccess;
  /** All of them, recent or not. */
  readonly grants: readonly ConnectedClient[];
  readonly chosen: ChosenAccess;
  readonly onChoose: (chosen: ChosenAccess) => void;
}

/** Part of the form that changes the password. Empty if there is nothing to choose. */
export const RecentAccessChoice = ({ recent, grants, chosen, onChoose }: RecentAccessChoiceProps) => {
  const words = useWords("password", passwordWords).recent;
  const identities = recent.identities.map(({ id }) => id);
  const clients = recent.grants.map(({ client: app }) => app.id);
  const count = identities.length + clients.length;
  const allRecent =
    identities.every((id) => chosen.identities.includes(id)) &&
    (chosen.everyGrant || clients.every((id) => chosen.clients.includes(id)));
  return (
    <>
      {count > 0 && (
        <Choices legend={words.title(recentAccessDays)}>
          <p className={styles.hint}>{words.hint}</p>
          {recent.identities.map((identity) => (
            <Choice
              key={identity.id}
              checked={chosen.identities.includes(identity.id)}
              onChange={(checked) =>
                onChoose({ ...chosen, identities: withOrWithout(chosen.identities, identity.id, checked) })
              }
            >
              <IdentityFacts identity={identity} />
            </Choice>
          ))}
          {recent.grants.map((grant) => (
            <Choice
              key={grant.client.id}
              checked={chosen.everyGrant || chosen.clients.includes(grant.client.id)}
              onChange={(checked) =>
                onChoose({
                  ...chosen,
                  everyGrant: false,
                  clients: withOrWithout(chosen.everyGrant ? clients : chosen.clients, grant.client.id, checked),
                })
              }
            >
              <GrantFacts grant={grant} />
            </Choice>
          ))}
          {count > 1 && (
            <Choice
              checked={allRecent}
              onChange={(checked) => onChoose(checked ? { ...chosen, identities, clients } : nothingChosen)}
            >
              {words.all}
            </Choice>
          )}
        </Choices>
      )}
      {grants.length > 0 && (
        <Choice checked={chosen.everyGrant} onChange={(everyGrant) => onChoose({ ...chosen, everyGrant })}>
          {words.everyApp}
          <span className={styles.hint}>{words.everyAppHint}</span>
        </Choice>
      )}
    </>
  );
};

const withOrWithout = (ids: readonly string[], id: string, included: boolean): readonly string[] =>
  included ? [...ids, id] : ids.filter((one) => one !== id);

const IdentityFacts = ({ identity: { provider, email, linkedAt } }: { identity: Identity }) => {
  const words = useWords("password", passwordWords).recent;
  return (
    <>
      {provider.label}
      <span className={styles.hint}>
        {words.identity(email)} <Ago at={linkedAt} />
      </span>
    </>
  );
};

const GrantFacts = ({ grant: { client: app, grantedAt } }: { grant: ConnectedClient }) => {
  const words = useWords("password", passwordWords).recent;
  return (
    <>
      {app.name} {!app.verified && <UnverifiedMark />}
      <span className={styles.hint}>
        {words.app} <Ago at={grantedAt} />
      </span>
    </>
  );
};

/** The recent access that remains after the change, and where it can be removed. Empty if none remains. */
export const RecentAccessList = ({ recent: { identities, grants } }: { recent: RecentAccess }) => {
  const words = useWords("password", passwordWords).recent;
  if (identities.length + grants.length === 0) return null;
  return (
    <section className={cardClasses.card} aria-labelledby="recent-title">
      <h2 id="recent-title" className={cardClasses.cardTitle}>
        {words.title(recentAccessDays)}
      </h2>
      <ul className={styles.list}>
        {identities.map((identity) => (
          <li key={identity.id}>
            <IdentityFacts identity={identity} />
          </li>
        ))}
        {grants.map((grant) => (
          <li key={grant.client.id}>
            <GrantFacts grant={grant} />
          </li>
        ))}
      </ul>
      <p className={styles.hint}>
        {words.remaining(
          <Link href={paths.linkedAccounts}>{words.linkedAccounts}</Link>,
          <Link href={paths.apps}>{words.apps}</Link>,
        )}
      </p>
    </section>
  );
};
