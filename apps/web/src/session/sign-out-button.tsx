// Ends the session. It is over only when the server says so: until then the person is told that it is not.

import { Button } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useLocation } from "wouter";
import { client, session } from "../backend.ts";
import { type Failure, readFailure } from "../failures/failure.ts";
import { signInPath } from "./return-path.ts";

export const SignOutButton = ({ onFailure }: { onFailure: (failure: Failure | null) => void }) => {
  const [, navigate] = useLocation();
  const signOut = useMutation({
    mutationFn: () => session.leave(() => client.auth.logout.mutate()),
    onMutate: () => onFailure(null),
    // Signed out here; the provider that they came from has a session of its own to end.
    onSuccess: ({ continueAt }) => continueAt && location.assign(continueAt),
    onError: (error) => {
      // Refused because the session had ended already: that is what was wanted.
      if (session.get().status === "signed-in") onFailure(readFailure("auth.logout", error));
    },
    onSettled: () => {
      if (session.get().status === "signed-out") navigate(signInPath, { replace: true });
    },
  });
  return (
    <Button
      variant="default"
      size="sm"
      aria-disabled={signOut.isPending}
      onClick={() => !signOut.isPending && signOut.mutate()}
    >
      {signOut.isPending ? "Signing out…" : "Sign out"}
    </Button>
  );
};
