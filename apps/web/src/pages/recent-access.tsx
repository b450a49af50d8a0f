// What was added to the account lately and opens it: to be recognised, or revoked together with a change of the password.

import { type ConnectedClient, type Identity, type RecentAccess, recentAccessDays } from "@lockstep/kit";
import type { ReactNode } from "react";
import { Link } from "wouter";
import card from "../shell/card.module.css";
import { Ago } from "../words/moment.tsx";
import styles from "./recent-access.module.css";
import { UnverifiedMark } from "./unverified.tsx";

/** What is to be revoked. */
export interface ChosenAccess {
  /** Ids. */
  readonly identities: readonly string[];
  /** Ids of clients, whose grants are revoked. */
  readonly clients: readonly string[];
  /** Older grants too. */
  readonly everyGrant: boolean;
}

export const nothingChosen: ChosenAccess = { identities: [], clients: [], everyGrant: false };

const title = `Added in the last ${recentAccessDays} days`;

export interface RecentAccessChoiceProps {
  readonly recent: RecentAccess;
  /** All of them, recent or not. */
  readonly grants: readonly ConnectedClient[];
  readonly chosen: ChosenAccess;
  readonly onChoose: (chosen: ChosenAccess) => void;
}

/** Part of the form that changes the password. Nothing where there is nothing to choose. */
export const RecentAccessChoice = ({ recent, grants, chosen, onChoose }: RecentAccessChoiceProps) => {
  const identities = recent.identities.map(({ id }) => id);
  const clients = recent.grants.map(({ client }) => client.id);
  const count = identities.length + clients.length;
  const allRecent =
    identities.every((id) => chosen.identities.includes(id)) &&
    (chosen.everyGrant || clients.every((id) => chosen.clients.includes(id)));
  return (
    <>
      {count > 0 && (
        <fieldset className={styles.choices}>
          <legend className={styles.legend}>{title}</legend>
          <p className={styles.hint}>Tick what you did not add yourself: it is removed together with the change.</p>
          {recent.identities.map((identity) => (
            <Choice
              key={identity.id}
              checked={chosen.identities.includes(identity.id)}
              onChange={(checked) =>
                onChoose({ ...chosen, identities: withOrWithout(chosen.identities, identity.id, checked) })
              }
            >
              <IdentityWords identity={identity} />
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
              <GrantWords grant={grant} />
            </Choice>
          ))}
          {count > 1 && (
            <Choice
              checked={allRecent}
              onChange={(checked) => onChoose(checked ? { ...chosen, identities, clients } : nothingChosen)}
            >
              All of these
            </Choice>
          )}
        </fieldset>
      )}
      {grants.length > 0 && (
        <Choice checked={chosen.everyGrant} onChange={(everyGrant) => onChoose({ ...chosen, everyGrant })}>
          End the access of all apps
          <span className={styles.hint}>Older ones too. Those that you use ask you again.</span>
        </Choice>
      )}
    </>
  );
};

const withOrWithout = (ids: readonly string[], id: string, included: boolean): readonly string[] =>
  included ? [...ids, id] : ids.filter((one) => one !== id);

interface ChoiceProps {
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
  readonly children: ReactNode;
}

const Choice = ({ checked, onChange, children }: ChoiceProps) => (
  <label className={styles.choice}>
    <input type="checkbox" checked={checked} onChange={({ currentTarget }) => onChange(currentTarget.checked)} />
    <span>{children}</span>
  </label>
);

const IdentityWords = ({ identity: { provider, email, linkedAt } }: { identity: Identity }) => (
  <>
    {provider.label}
    <span className={styles.hint}>
      A way to sign in{email && `, as ${email}`}. Linked <Ago at={linkedAt} />
    </span>
  </>
);

const GrantWords = ({ grant: { client: app, grantedAt } }: { grant: ConnectedClient }) => (
  <>
    {app.name} {!app.verified && <UnverifiedMark />}
    <span className={styles.hint}>
      An app. Allowed <Ago at={grantedAt} />
    </span>
  </>
);

/** What is left after the change, and where it can be removed. Nothing where nothing is. */
export const RecentAccessList = ({ recent: { identities, grants } }: { recent: RecentAccess }) =>
  identities.length + grants.length > 0 && (
    <section className={card.card} aria-labelledby="recent-title">
      <h2 id="recent-title" className={card.cardTitle}>
        {title}
      </h2>
      <ul className={styles.list}>
        {identities.map((identity) => (
          <li key={identity.id}>
            <IdentityWords identity={identity} />
          </li>
        ))}
        {grants.map((grant) => (
          <li key={grant.client.id}>
            <GrantWords grant={grant} />
          </li>
        ))}
      </ul>
      <p className={styles.hint}>
        These still have access. Remove them under <Link href="/linked-accounts">Linked accounts</Link> and{" "}
        <Link href="/apps">Connected apps</Link>.
      </p>
    </section>
  );
