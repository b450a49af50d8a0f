// Ends the session. It has ended only when the server confirms it; until then the page says that it has not.

import { sessionOf } from "@lockstep/client";
import { Button } from "@mantine/core";
import { useLocation } from "wouter";
import { useBackend } from "../app/context.ts";
import type { ErrorOf } from "../failures/failure.ts";
import { sessionWords } from "../words/shared.ts";
import { useWords } from "../words/words.ts";
import { signInPath } from "./return-path.ts";
import { useSignOut } from "./use-sign-out.ts";

/** The props of `SignOutButton`. */
export interface SignOutButtonProps {
  /** Called with why signing out failed, and with `null` when it is tried again. */
  readonly onFailure: (failure: ErrorOf<"auth.logout"> | null) => void;
}

/** A button that ends the session. */
export const SignOutButton = ({ onFailure }: SignOutButtonProps) => {
  const { client, readFailure } = useBackend();
  const words = useWords("session", sessionWords);
  const [, navigate] = useLocation();
  const statusNow = () => sessionOf(client).get().status;
  const signOut = useSignOut({
    onMutate: () => onFailure(null),
    // Signed out here. Continue to the identity provider to end its own session.
    onSuccess: ({ continueAt }) => continueAt && location.assign(continueAt),
    onError: (error) => {
      // Refused because the session has already ended, which is what the user asked for.
      if (statusNow() === "signedIn") onFailure(readFailure("auth.logout", error));
    },
    onSettled: () => {
      if (statusNow() === "signedOut") navigate(signInPath, { replace: true });
    },
  });
  return (
    <Button
      variant="default"
      size="sm"
      aria-disabled={signOut.isPending}
      onClick={() => !signOut.isPending && signOut.mutate()}
    >
      {signOut.isPending ? words.signingOut : words.signOut}
    </Button>
  );
};
