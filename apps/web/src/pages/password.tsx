// The page to change one's password.

import { ChangePasswordInput, passwordLength, type User } from "@lockstep/contract";
import { Alert, Button, Skeleton } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { Link } from "wouter";
import { z } from "zod";
import { client, trpc } from "../backend.ts";
import { type Failure, readFailure } from "../failures/failure.ts";
import { FailureNotice } from "../failures/failure-notice.tsx";
import { PasswordField } from "../forms/password-field.tsx";
import { complaintsOf, type FieldErrors, useForm } from "../forms/use-form.ts";
import { useReauthentication } from "../session/reauthentication.tsx";
import card from "../shell/card.module.css";
import { Page } from "../shell/page.tsx";
import styles from "./password.module.css";

export const PasswordPage = () => {
  const me = useQuery(trpc.user.me.queryOptions());
  const failure = me.error && readFailure("user.me", me.error);
  return (
    <Page title="Change your password" lead="This also ends your sessions everywhere else.">
      <div className={styles.column}>
        {me.data && <PasswordForm user={me.data} />}
        {failure && !me.data && (
          <FailureNotice failure={failure} onRetry={() => void me.refetch()} retrying={me.isFetching} />
        )}
        {me.isPending && <Skeleton height="18rem" radius="0.875rem" />}
      </div>
    </Page>
  );
};

const Input = z.object({
  currentPassword: ChangePasswordInput.shape.currentPassword,
  newPassword: z.string().min(1, { error: "Choose a new password" }).max(passwordLength.max),
});

const noPasswords = { currentPassword: "", newPassword: "" };

const PasswordForm = ({ user }: { user: User }) => {
  const done = useRef<HTMLDivElement>(null);
  const reauthentication = useReauthentication({ username: user.username, purpose: "Changing the password" });

  const changePassword = useMutation({
    mutationFn: (input: z.output<typeof Input>) =>
      reauthentication.attempt("user.changePassword", () => client.user.changePassword.mutate(input)),
    onSuccess(answer) {
      if (answer) form.show(noPasswords);
    },
    onError(error) {
      form.refuse(refusedFields(readFailure("user.changePassword", error)));
    },
  });
  const form = useForm({
    initialValues: noPasswords,
    schema: Input,
    onSubmit: (input) => {
      if (!changePassword.isPending) changePassword.mutate(input);
    },
  });
  const failure = changePassword.error && readFailure("user.changePassword", changePassword.error);
  const changed = Boolean(changePassword.data);
  useEffect(() => {
    if (changed) done.current?.focus();
  }, [changed]);

  return (
    <>
      <form
        noValidate
        className={card.card}
        aria-label="Change your password"
        onChange={() => !changePassword.isPending && changePassword.reset()}
        onSubmit={form.submit}
      >
        <div className={card.fields}>
          {changed && (
            <Alert ref={done} tabIndex={-1} role="status" title="Your password has been changed">
              Your other sessions have ended. <Link href="/sessions">See your sessions</Link>
            </Alert>
          )}
          {failure && Object.keys(refusedFields(failure)).length === 0 && (
            <FailureNotice key={changePassword.submittedAt} failure={failure} takesFocus />
          )}
          <input type="text" name="username" autoComplete="username" value={user.username} readOnly hidden />
          <PasswordField
            label="Current password"
            autoComplete="current-password"
            readOnly={changePassword.isPending}
            {...form.field("currentPassword")}
          />
          <PasswordField
            label="New password"
            autoComplete="new-password"
            description={
              form.errors.newPassword ? null : `At least ${passwordLength.min} characters: a few words in a row do.`
            }
            readOnly={changePassword.isPending}
            {...form.field("newPassword")}
          />
          <div>
            <Button type="submit" aria-disabled={changePassword.isPending}>
              {changePassword.isPending ? "Changing…" : "Change the password"}
            </Button>
          </div>
        </div>
      </form>
      {reauthentication.dialog}
    </>
  );
};

const refusedFields = (failure: Failure): FieldErrors<typeof noPasswords> => {
  switch (failure.code) {
    case "INVALID_CREDENTIALS":
      return { currentPassword: "This is not your current password." };
    case "PASSWORD_REFUSED":
      return { newPassword: failure.details.explanation };
    case "INVALID_INPUT":
      return complaintsOf(failure.details.issues);
    default:
      return {};
  }
};
