// The form of an app's details: to register one, and to change one.

import { type ClientKind, type OAuthClient, RegisterClientInput } from "@lockstep/kit";
import { Button, InputBase, TextInput } from "@mantine/core";
import { type ReactNode, useEffect } from "react";
import {
  cardClasses,
  type Failure,
  FailureNotice,
  fieldErrorsOf,
  useForm,
  useScopes,
  useWords,
  wholeForm,
} from "../../parts.ts";
import styles from "./developer.module.css";
import { kindNames, kinds } from "./kinds.ts";
import { developerWords } from "./words.ts";

/** As it is typed: one address on a line, scopes separated by spaces. */
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

/** Settings of an app that this form does not show, and sends back unchanged. */
export type Unshown = Pick<
  RegisterClientInput,
  "jwksUri" | "backchannelLogoutUri" | "requirePushedRequests" | "requireDpop"
>;

const inputOf = (details: Details) => {
  // Do not submit fields that the chosen kind does not show.
  const { redirects } = kinds[details.kind];
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
  /** A notice before a change. */
  readonly note?: ReactNode;
  readonly initial: Details;
  readonly unshown?: Unshown;
  /** Whether the kind can no longer be chosen. */
  readonly kindIsSettled?: boolean;
  readonly submitLabel: string;
  readonly busy: boolean;
  readonly failure: Failure | null;
  /** The result of the last change. */
  readonly outcome?: ReactNode;
  readonly onChange?: () => void;
  readonly onSubmit: (input: RegisterClientInput) => void;
}

export const AppForm = (props: AppFormProps) => {
  const { busy, failure } = props;
  const { form: words, kinds: kindWords } = useWords("developer", developerWords);
  const scopes = useScopes();
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
    if (refused?.code === "INVALID_INPUT") form.refuse(fieldErrorsOf(refused.details.issues));
    if (refused?.code === "CLIENT_NAME_REFUSED") form.refuse({ name: refused.details.explanation });
  }, [refused]);

  const chosen = parts(form.values.scopes);
  return (
    <form
      noValidate
      className={cardClasses.card}
      aria-labelledby="details-title"
      onChange={props.onChange}
      onSubmit={form.submit}
    >
      <h2 id="details-title" className={cardClasses.cardTitle}>
        {props.title}
      </h2>
      <div className={`${cardClasses.fields} ${styles.form}`}>
        {props.note && <p className={styles.sentence}>{props.note}</p>}
        {failure && !refused && <FailureNotice failure={failure} takesFocus />}
        {!props.kindIsSettled && (
          <fieldset className={styles.choices}>
            <legend className={styles.legend}>{words.kind}</legend>
            {kindNames.map((kind) => (
              <label key={kind} className={styles.choice}>
                <input
                  type="radio"
                  name="kind"
                  value={kind}
                  checked={form.values.kind === kind}
                  onChange={() => form.set("kind", kind)}
                />
                <span>
                  {kindWords[kind].name}
                  <span className={styles.hint}>{kindWords[kind].hint}</span>
                </span>
              </label>
            ))}
          </fieldset>
        )}
        <TextInput
          label={words.name}
          description={words.nameHint}
          required
          autoComplete="off"
          {...form.field("name")}
        />
        <TextInput
          label={words.homePage}
          description={words.homePageHint}
          type="url"
          autoComplete="off"
          placeholder="https://"
          {...form.field("uri")}
        />
        {kinds[form.values.kind].redirects && (
          <>
            <Addresses
              label={words.redirects}
              description={words.redirectsHint(kindWords[form.values.kind].redirects)}
              required
              {...form.field("redirectUris")}
            />
            <Addresses
              label={words.afterSignOut}
              description={words.afterSignOutHint}
              {...form.field("postLogoutRedirectUris")}
            />
          </>
        )}
        <fieldset className={styles.choices}>
          <legend className={styles.legend}>{words.scopes}</legend>
          {Object.entries(scopes).map(([scope, consent]) => (
            <label key={scope} className={styles.choice}>
              <input
                type="checkbox"
                checked={chosen.includes(scope)}
                onChange={({ currentTarget: { checked } }) =>
                  form.set("scopes", (checked ? [...chosen, scope] : chosen.filter((name) => name !== scope)).join(" "))
                }
              />
              <span>
                {consent}
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
