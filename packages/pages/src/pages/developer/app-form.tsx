// The form of an app's details: to register one, and to change one.

import { type ClientKind, type OAuthClient, RegisterClientInput } from "@lockstep/kit";
import { InputBase, TextInput } from "@mantine/core";
import { type ReactNode, useEffect } from "react";
import {
  CardForm,
  Choice,
  Choices,
  type Failure,
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
  readonly failureKey: number;
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
    <CardForm
      title={props.title}
      failure={refused ? null : failure}
      failureKey={props.failureKey}
      submitLabel={props.submitLabel}
      busy={busy}
      outcome={props.outcome ?? form.errors[wholeForm]}
      onChange={() => props.onChange?.()}
      onSubmit={form.submit}
    >
      {props.note && <p className={styles.sentence}>{props.note}</p>}
      {!props.kindIsSettled && (
        <Choices legend={words.kind}>
          {kindNames.map((kind) => (
            <Choice key={kind} radio="kind" checked={form.values.kind === kind} onChange={() => form.set("kind", kind)}>
              {kindWords[kind].name}
              <span className={styles.hint}>{kindWords[kind].hint}</span>
            </Choice>
          ))}
        </Choices>
      )}
      <TextInput label={words.name} description={words.nameHint} required autoComplete="off" {...form.field("name")} />
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
      <Choices legend={words.scopes}>
        {Object.entries(scopes).map(([scope, consent]) => (
          <Choice
            key={scope}
            checked={chosen.includes(scope)}
            onChange={(checked) =>
              form.set("scopes", (checked ? [...chosen, scope] : chosen.filter((name) => name !== scope)).join(" "))
            }
          >
            {consent}
            <span className={styles.hint}>
              <code>{scope}</code>
            </span>
          </Choice>
        ))}
      </Choices>
    </CardForm>
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
