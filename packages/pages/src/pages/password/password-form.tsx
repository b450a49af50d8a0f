// The form to change the password or set the first one, with access to revoke in the same step.

import type { ConnectedClient, RecentAccess, User } from "@lockstep/kit";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import {
  CardForm,
  type Failure,
  type FieldErrors,
  fieldErrorsOf,
  NewPasswordField,
  type NewPasswordInput,
  newPasswordInput,
  PasswordField,
  paths,
  useBackend,
  useForm,
  useReauthentication,
  useWords,
} from "../../parts.ts";
import { nothingChosen, RecentAccessChoice } from "./recent-access.tsx";
import { passwordWords } from "./words.tsx";

/** The key of its words. */
export type PasswordOutcome = "change" | "set";

/**
 * Where a user without a password returns to from their identity provider. The server decides whether they signed in
 * there.
 */
export const signedInAgain = { search: "confirmed=1", path: `${paths.password}?confirmed=1` };

const noPasswords = { currentPassword: "", newPassword: "" };

export interface PasswordFormProps {
  readonly user: User;
  /** Whether the account has no password so far. */
  readonly first: boolean;
  readonly recent: RecentAccess;
  /** All grants, recent or not. */
  readonly grants: readonly ConnectedClient[];
  readonly onDone: (outcome: PasswordOutcome) => void;
}

export const PasswordForm = ({ user, first, recent, grants, onDone }: PasswordFormProps) => {
  const { client, queryClient, trpc, readFailure } = useBackend();
  const words = useWords("password", passwordWords);
  const ofKind = first ? words.set : words.change;
  const [chosen, setChosen] = useState(nothingChosen);
  const reauthentication = useReauthentication({
    purpose: ofKind.purpose,
    ...(first && { returnTo: signedInAgain.path }),
  });

  const save = useMutation({
    mutationFn: ({ path, currentPassword, newPassword }: NewPasswordInput & { path: SavePath }) => {
      const revoked = {
        revokeGrants: chosen.everyGrant || [...chosen.clients],
        unlinkIdentities: [...chosen.identities],
      };
      return reauthentication.attempt(path, () =>
        path === "user.setPassword"
          ? client.user.setPassword.mutate({ newPassword, ...revoked })
          : client.user.changePassword.mutate({ currentPassword, newPassword, ...revoked }),
      );
    },
    async onSuccess(answer, { path }) {
      if (!answer) return;
      form.show(noPasswords);
      await queryClient.invalidateQueries({ queryKey: trpc.user.recentAccess.queryKey() });
      onDone(path === "user.setPassword" ? "set" : "change");
      // Last: once the account has a password, this becomes the form to change it.
      void queryClient.invalidateQueries({ queryKey: trpc.identity.list.queryKey() });
      void queryClient.invalidateQueries({ queryKey: trpc.grant.list.queryKey() });
    },
    onError(error, { path }) {
      const failure = readFailure(path, error);
      // It was set elsewhere: this becomes the form to change it.
      if (failure.code === "PASSWORD_EXISTS")
        void queryClient.invalidateQueries({ queryKey: trpc.identity.list.queryKey() });
      form.refuse(refusedFields(failure, words.wrong));
    },
  });
  const form = useForm({
    initialValues: noPasswords,
    schema: newPasswordInput({ first, choose: words.choose }),
    onSubmit: (input) => {
      if (!save.isPending) save.mutate({ ...input, path: first ? "user.setPassword" : "user.changePassword" });
    },
  });
  const failure = save.error && save.variables && readFailure(save.variables.path, save.error);

  return (
    <>
      <CardForm
        title={ofKind.title}
        failure={failure && Object.keys(refusedFields(failure, words.wrong)).length === 0 ? failure : null}
        failureKey={save.submittedAt}
        submitLabel={save.isPending ? ofKind.submitting : ofKind.submit}
        busy={save.isPending}
        onChange={save.reset}
        onSubmit={form.submit}
      >
        <input type="text" name="username" autoComplete="username" value={user.username} readOnly hidden />
        {!first && (
          <PasswordField
            label={words.current}
            autoComplete="current-password"
            readOnly={save.isPending}
            {...form.field("currentPassword")}
          />
        )}
        <NewPasswordField
          label={words.new}
          personal={[user.username, user.fullName, user.email ?? ""]}
          readOnly={save.isPending}
          {...form.field("newPassword")}
        />
        <RecentAccessChoice recent={recent} grants={grants} chosen={chosen} onChoose={setChosen} />
      </CardForm>
      {reauthentication.dialog}
    </>
  );
};

type SavePath = "user.setPassword" | "user.changePassword";

const refusedFields = (failure: Failure, wrong: string): FieldErrors<typeof noPasswords> => {
  switch (failure.code) {
    case "INVALID_CREDENTIALS":
      return { currentPassword: wrong };
    case "PASSWORD_REFUSED":
      return { newPassword: failure.details.explanation };
    case "INVALID_INPUT":
      return fieldErrorsOf(failure.details.issues);
    default:
      return {};
  }
};
