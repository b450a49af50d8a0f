// The form to change one's password, or to set the first one, with what to revoke in the same step.

import { ChangePasswordInput, type ConnectedClient, passwordLength, type RecentAccess, type User } from "@lockstep/kit";
import { Button } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { z } from "zod";
import { client, trpc } from "../backend.ts";
import { type Failure, readFailure } from "../failures/failure.ts";
import { FailureNotice } from "../failures/failure-notice.tsx";
import { PasswordField } from "../forms/password-field.tsx";
import { complaintsOf, type FieldErrors, useForm } from "../forms/use-form.ts";
import { useReauthentication } from "../session/reauthentication.tsx";
import card from "../shell/card.module.css";
import { nothingChosen, RecentAccessChoice } from "./recent-access.tsx";

export type PasswordOutcome = "changed" | "set";

/**
 * Where somebody without a password comes back to from their identity provider. Whether they signed in there is for the
 * server to say.
 */
export const signedInAgain = { search: "confirmed=1", path: "/password?confirmed=1" };

const Input = z.object({
  currentPassword: ChangePasswordInput.shape.currentPassword,
  newPassword: z.string().min(1, { error: "Choose a new password" }).max(passwordLength.max),
});
/** The field of the current password is not shown. */
const FirstInput = Input.extend({ currentPassword: z.literal("") });

const noPasswords = { currentPassword: "", newPassword: "" };

export interface PasswordFormProps {
  readonly user: User;
  /** Whether the account has none so far. */
  readonly first: boolean;
  readonly recent: RecentAccess;
  /** All of them, recent or not. */
  readonly grants: readonly ConnectedClient[];
  readonly onDone: (outcome: PasswordOutcome) => void;
}

export const PasswordForm = ({ user, first, recent, grants, onDone }: PasswordFormProps) => {
  const queryClient = useQueryClient();
  const [chosen, setChosen] = useState(nothingChosen);
  const reauthentication = useReauthentication({
    purpose: first ? "Setting a password" : "Changing the password",
    ...(first && { returnTo: signedInAgain.path }),
  });

  const save = useMutation({
    mutationFn: ({ path, currentPassword, newPassword }: z.output<typeof Input> & { path: SavePath }) => {
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
      onDone(path === "user.setPassword" ? "set" : "changed");
      // Last: with a password, this would become the form to change it.
      void queryClient.invalidateQueries({ queryKey: trpc.identity.list.queryKey() });
      void queryClient.invalidateQueries({ queryKey: trpc.grant.list.queryKey() });
    },
    onError(error, { path }) {
      const failure = readFailure(path, error);
      // Set elsewhere meanwhile: this becomes the form to change it.
      if (failure.code === "PASSWORD_EXISTS")
        void queryClient.invalidateQueries({ queryKey: trpc.identity.list.queryKey() });
      form.refuse(refusedFields(failure));
    },
  });
  const form = useForm({
    initialValues: noPasswords,
    schema: first ? FirstInput : Input,
    onSubmit: (input) => {
      if (!save.isPending) save.mutate({ ...input, path: first ? "user.setPassword" : "user.changePassword" });
    },
  });
  const words = first ? wordsToSet : wordsToChange;
  const failure = save.error && save.variables && readFailure(save.variables.path, save.error);

  return (
    <>
      <form
        noValidate
        className={card.card}
        aria-labelledby="password-title"
        onChange={() => !save.isPending && save.reset()}
        onSubmit={form.submit}
      >
        <h2 id="password-title" className={card.cardTitle}>
          {words.title}
        </h2>
        <div className={card.fields}>
          {failure && Object.keys(refusedFields(failure)).length === 0 && (
            <FailureNotice key={save.submittedAt} failure={failure} takesFocus />
          )}
          <input type="text" name="username" autoComplete="username" value={user.username} readOnly hidden />
          {!first && (
            <PasswordField
              label="Current password"
              autoComplete="current-password"
              readOnly={save.isPending}
              {...form.field("currentPassword")}
            />
          )}
          <PasswordField
            label="New password"
            autoComplete="new-password"
            description={
              form.errors.newPassword ? null : `At least ${passwordLength.min} characters: a few words in a row do.`
            }
            readOnly={save.isPending}
            {...form.field("newPassword")}
          />
          <RecentAccessChoice recent={recent} grants={grants} chosen={chosen} onChoose={setChosen} />
          <div>
            <Button type="submit" aria-disabled={save.isPending}>
              {save.isPending ? words.busy : words.submit}
            </Button>
          </div>
        </div>
      </form>
      {reauthentication.dialog}
    </>
  );
};

type SavePath = "user.setPassword" | "user.changePassword";

const wordsToSet = { title: "Set a password", submit: "Set the password", busy: "Setting…" };
const wordsToChange = { title: "Change your password", submit: "Change the password", busy: "Changing…" };

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
