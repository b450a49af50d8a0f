// The form that says what an app is: for a new one, and to change one.

import { contract } from "@app/contract";
import { type ClientKind, clientKinds, type OAuthClient, RegisterClientInput } from "@lockstep/kit";
import { Button, InputBase, TextInput } from "@mantine/core";
import { type ReactNode, useEffect } from "react";
import type { Failure } from "../../failures/failure.ts";
import { FailureNotice } from "../../failures/failure-notice.tsx";
import { complaintsOf, useForm, wholeForm } from "../../forms/use-form.ts";
import card from "../../shell/card.module.css";
import styles from "./developer.module.css";
import { kindWords } from "./kinds.ts";

/** As it is typed: a list is one address on a line, scopes are separated by spaces. */
export interface Details {
  readonly kind: ClientKind;
  readonly name: string;
  readonly uri: string;
  readonly redirectUris: string;
  readonly postLogoutRedirectUris: string;
  readonly scopes: string;
}

export const noDetails: Details = {
  kind: "web",
  name: "",
  uri: "",
  redirectUris: "",
  postLogoutRedirectUris: "",
  scopes: "profile:read",
};

export const detailsOf = (app: OAuthClient): Details => ({
  kind: app.kind,
  name: app.name,
  uri: app.uri ?? "",
  redirectUris: app.redirectUris.join("\n"),
  postLogoutRedirectUris: app.postLogoutRedirectUris.join("\n"),
  scopes: app.scopes.join(" "),
});

const parts = (typed: string) => typed.split(/\s+/).filter(Boolean);

/** What an app says of itself that is set elsewhere, and that this form hands on as it was. */
export type Unshown = Pick<
  RegisterClientInput,
  "jwksUri" | "backchannelLogoutUri" | "requirePushedRequests" | "requireDpop"
>;

const inputOf = (details: Details) => {
  // What was typed for another kind before is out of sight.
  const redirects = kindWords[details.kind].redirectHint !== null;
  return {
    kind: details.kind,
    name: details.name,
    uri: details.uri.trim() || null,
    redirectUris: redirects ? parts(details.redirectUris) : [],
    postLogoutRedirectUris: redirects ? parts(details.postLogoutRedirectUris) : [],
    scopes: parts(details.scopes),
  };
};

export interface AppFormProps {
  readonly title: string;
  /** What to know before anything is changed. */
  readonly note?: ReactNode;
  readonly initial: Details;
  readonly unshown?: Unshown;
  /** Whether it is too late to choose another kind. */
  readonly kindIsSettled?: boolean;
  readonly submitLabel: string;
  readonly busy: boolean;
  readonly failure: Failure | null;
  /** What came of it. */
  readonly outcome?: ReactNode;
  readonly onChange?: () => void;
  readonly onSubmit: (input: RegisterClientInput) => void;
}

export const AppForm = (props: AppFormProps) => {
  const { busy, failure } = props;
  const form = useForm({
    initialValues: props.initial,
    schema: RegisterClientInput,
    inputOf: (details) => ({ ...props.unshown, ...inputOf(details) }),
    onSubmit: (input) => {
      if (!busy) props.onSubmit(input);
    },
  });
  const refused = failure?.code === "INVALID_INPUT" || failure?.code === "CLIENT_NAME_REFUSED" ? failure : null;
  useEffect(() => {
    if (refused?.code === "INVALID_INPUT") form.refuse(complaintsOf(refused.details.issues));
    if (refused?.code === "CLIENT_NAME_REFUSED") form.refuse({ name: refused.details.explanation });
  }, [refused]);

  const chosen = parts(form.values.scopes);
  const { redirectHint } = kindWords[form.values.kind];
  return (
    <form
      noValidate
      className={card.card}
      aria-labelledby="details-title"
      onChange={props.onChange}
      onSubmit={form.submit}
    >
      <h2 id="details-title" className={card.cardTitle}>
        {props.title}
      </h2>
      <div className={`${card.fields} ${styles.form}`}>
        {props.note && <p className={styles.sentence}>{props.note}</p>}
        {failure && !refused && <FailureNotice failure={failure} takesFocus />}
        {!props.kindIsSettled && (
          <fieldset className={styles.choices}>
            <legend className={styles.legend}>Kind</legend>
            {Object.entries(clientKinds).map(([kind, words]) => (
              <label key={kind} className={styles.choice}>
                <input
                  type="radio"
                  name="kind"
                  value={kind}
                  checked={form.values.kind === kind}
                  onChange={() => form.set("kind", kind as ClientKind)}
                />
                <span>
                  {words}
                  <span className={styles.hint}>{kindWords[kind as ClientKind].hint}</span>
                </span>
              </label>
            ))}
          </fieldset>
        )}
        <TextInput
          label="Name"
          description="What people read when they are asked."
          required
          autoComplete="off"
          {...form.field("name")}
        />
        <TextInput
          label="Home page"
          description="Where they can read about it. May be left out."
          type="url"
          autoComplete="off"
          placeholder="https://"
          {...form.field("uri")}
        />
        {redirectHint !== null && (
          <>
            <Addresses
              label="Redirect addresses"
              description={`Where people come back to, one on each line. ${redirectHint}`}
              required
              {...form.field("redirectUris")}
            />
            <Addresses
              label="Addresses after signing out"
              description="One on each line. May be left out."
              {...form.field("postLogoutRedirectUris")}
            />
          </>
        )}
        <fieldset className={styles.choices}>
          <legend className={styles.legend}>What it may ask for</legend>
          {Object.entries(contract.scopes).map(([scope, words]) => (
            <label key={scope} className={styles.choice}>
              <input
                type="checkbox"
                checked={chosen.includes(scope)}
                onChange={({ currentTarget: { checked } }) =>
                  form.set("scopes", (checked ? [...chosen, scope] : chosen.filter((name) => name !== scope)).join(" "))
                }
              />
              <span>
                {words}
                <span className={styles.hint}>
                  <code>{scope}</code>
                </span>
              </span>
            </label>
          ))}
        </fieldset>
        <div className={styles.submit}>
          <Button type="submit" aria-disabled={busy}>
            {props.submitLabel}
          </Button>
          <p role="status" className={styles.outcome}>
            {props.outcome ?? form.errors[wholeForm]}
          </p>
        </div>
      </div>
    </form>
  );
};

type AddressesProps = ReturnType<ReturnType<typeof useForm<Details, typeof RegisterClientInput>>["field"]> & {
  readonly label: string;
  readonly description: string;
  readonly required?: boolean;
};

const Addresses = (props: AddressesProps) => (
  <InputBase
    component="textarea"
    multiline
    rows={3}
    size="md"
    withAsterisk={false}
    autoComplete="off"
    autoCapitalize="none"
    spellCheck={false}
    classNames={{ input: styles.addresses ?? "" }}
    {...props}
  />
);
