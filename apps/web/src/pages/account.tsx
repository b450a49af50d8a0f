// The account page: who is signed in, and what of it they can change.

import { ChangeEmailInput, engineErrors, UpdateUserInput, type User } from "@lockstep/kit";
import { Button, Skeleton, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Link } from "wouter";
import { client, trpc } from "../backend.ts";
import { type ErrorOf, readFailure } from "../failures/failure.ts";
import { FailureNotice } from "../failures/failure-notice.tsx";
import { complaintsOf, type FieldErrors, useForm } from "../forms/use-form.ts";
import { useReauthentication } from "../session/reauthentication.tsx";
import card from "../shell/card.module.css";
import { Page } from "../shell/page.tsx";
import styles from "./account.module.css";
import { Avatar } from "./avatar.tsx";

export const AccountPage = () => {
  const me = useQuery(trpc.user.me.queryOptions());
  const failure = me.error && readFailure("user.me", me.error);
  return (
    <Page title="Account" lead="Who you are here, and how you can be reached.">
      {failure && <FailureNotice failure={failure} onRetry={() => void me.refetch()} retrying={me.isFetching} />}
      {(me.data || !failure) && (
        <div className={styles.columns} aria-busy={me.isPending}>
          {me.data ? (
            <>
              <Profile user={me.data} />
              <div className={styles.column}>
                <DetailsForm user={me.data} />
                <EmailForm user={me.data} />
              </div>
            </>
          ) : (
            <>
              <Skeleton height="17rem" radius="0.875rem" />
              <Skeleton height="17rem" radius="0.875rem" />
            </>
          )}
        </div>
      )}
    </Page>
  );
};

const Profile = ({ user }: { user: User }) => {
  const methods = useQuery(trpc.identity.list.queryOptions());
  return (
    <section className={card.card} aria-label="Profile">
      <div className={styles.who}>
        <Avatar fullName={user.fullName} />
        <div className={styles.names}>
          <p className={styles.fullName}>{user.fullName}</p>
          <p className={styles.username}>@{user.username}</p>
        </div>
      </div>
      <dl className={styles.facts}>
        <div>
          <dt>E-mail address</dt>
          <dd>{user.email ?? "None"}</dd>
        </div>
        <div>
          <dt>Role</dt>
          <dd>{roleNames[user.role] ?? user.role}</dd>
        </div>
        <div>
          <dt>Member since</dt>
          <dd>{new Intl.DateTimeFormat("en", { dateStyle: "long" }).format(user.createdAt)}</dd>
        </div>
        <div>
          <dt>Password</dt>
          <dd>
            {methods.isPending ? (
              <Skeleton height="1.5rem" width="11rem" />
            ) : (
              <Link href="/password">
                {methods.data?.hasPassword === false ? "Set a password" : "Change your password"}
              </Link>
            )}
          </dd>
        </div>
        <div>
          <dt>Other ways to sign in</dt>
          <dd>
            <Link href="/linked-accounts">Linked accounts</Link>
          </dd>
        </div>
      </dl>
    </section>
  );
};

const roleNames: Readonly<Record<string, string>> = { user: "User", admin: "Administrator" };

interface Details {
  readonly fullName: string;
}

const detailsOf = (user: User): Details => ({ fullName: user.fullName });

const DetailsForm = ({ user }: { user: User }) => {
  const queryClient = useQueryClient();
  const meKey = trpc.user.me.queryKey();
  /** What the server was last known to have: `user` runs ahead of it while a change is on its way. */
  const [saved, setSaved] = useState(() => detailsOf(user));

  const update = useMutation(
    trpc.user.update.mutationOptions({
      async onMutate(change) {
        await queryClient.cancelQueries({ queryKey: meKey });
        const before = queryClient.getQueryData(meKey);
        if (before) queryClient.setQueryData(meKey, { ...before, ...(change as Partial<User>) });
        return { before };
      },
      onError(error, _change, result) {
        queryClient.setQueryData(meKey, result?.before);
        form.refuse(refusedFields(readFailure("user.update", error)));
      },
      onSuccess(answer) {
        queryClient.setQueryData(meKey, answer);
        show(detailsOf(answer));
      },
    }),
  );
  const form = useForm({
    initialValues: saved,
    schema: UpdateUserInput,
    onSubmit: (change) => {
      if (!update.isPending) update.mutate(change);
    },
  });
  const failure = update.error && readFailure("user.update", update.error);

  const show = (details: Details) => {
    setSaved(details);
    form.show(details);
  };

  // Changed elsewhere meanwhile: shown, unless the person is in the middle of a change of their own.
  useEffect(() => {
    if (!update.isPending && form.values.fullName === saved.fullName) show(detailsOf(user));
  }, [user]);

  return (
    <form
      noValidate
      className={card.card}
      aria-labelledby="details-title"
      onChange={() => update.reset()}
      onSubmit={form.submit}
    >
      <h2 id="details-title" className={card.cardTitle}>
        Your details
      </h2>
      <div className={card.fields}>
        {failure && Object.keys(refusedFields(failure)).length === 0 && <FailureNotice failure={failure} takesFocus />}
        <TextInput
          label="Full name"
          required
          autoComplete="name"
          readOnly={update.isPending}
          {...form.field("fullName")}
        />
        <div className={styles.submit}>
          <Button type="submit" aria-disabled={update.isPending}>
            {update.isPending ? "Saving…" : "Save changes"}
          </Button>
          <p role="status" className={styles.outcome}>
            {update.isSuccess && "Saved"}
          </p>
        </div>
      </div>
    </form>
  );
};

const refusedFields = (failure: ErrorOf<"user.update">): FieldErrors<Details> =>
  failure.code === "INVALID_INPUT" ? complaintsOf(failure.details.issues) : {};

/** The address that signs in: changing it needs a fresh sign-in. */
const EmailForm = ({ user }: { user: User }) => {
  const queryClient = useQueryClient();
  const reauthentication = useReauthentication({ purpose: "Changing your e-mail address" });
  const change = useMutation({
    mutationFn: (input: ChangeEmailInput) =>
      reauthentication.attempt("account.changeEmail", () => client.account.changeEmail.mutate(input)),
    onError(error) {
      form.refuse(refusedEmail(readFailure("account.changeEmail", error)));
    },
    onSuccess(answer) {
      if (!answer) return;
      queryClient.setQueryData(trpc.user.me.queryKey(), answer);
      form.show({ email: answer.email ?? "" });
    },
  });
  const form = useForm({
    initialValues: { email: user.email ?? "" },
    schema: ChangeEmailInput,
    inputOf: ({ email }) => ({ email: email.trim() || null }),
    onSubmit: (input) => {
      if (!change.isPending) change.mutate(input);
    },
  });
  const failure = change.error && readFailure("account.changeEmail", change.error);

  return (
    <>
      <form
        noValidate
        className={card.card}
        aria-labelledby="email-title"
        onChange={() => !change.isPending && change.reset()}
        onSubmit={form.submit}
      >
        <h2 id="email-title" className={card.cardTitle}>
          Your e-mail address
        </h2>
        <div className={card.fields}>
          {failure && Object.keys(refusedEmail(failure)).length === 0 && (
            <FailureNotice key={change.submittedAt} failure={failure} takesFocus />
          )}
          <TextInput
            label="E-mail address"
            description="You can sign in with it and a password."
            type="email"
            autoComplete="email"
            spellCheck={false}
            readOnly={change.isPending}
            {...form.field("email")}
          />
          <div className={styles.submit}>
            <Button type="submit" aria-disabled={change.isPending}>
              {change.isPending ? "Changing…" : "Change the address"}
            </Button>
            <p role="status" className={styles.outcome}>
              {change.data && "Changed"}
            </p>
          </div>
        </div>
      </form>
      {reauthentication.dialog}
    </>
  );
};

const refusedEmail = (failure: ErrorOf<"account.changeEmail">): FieldErrors<{ email: string }> => {
  switch (failure.code) {
    case "EMAIL_TAKEN":
      return { email: engineErrors.EMAIL_TAKEN.message };
    case "INVALID_INPUT":
      return complaintsOf(failure.details.issues);
    default:
      return {};
  }
};
