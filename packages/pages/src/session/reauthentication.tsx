// Repeats a call that the server refused because the sign-in is too old, after the user has reauthenticated: with their
// password on this page, or at an identity provider, which returns them to this app.

import { type ComponentType, useState } from "react";
import type { Backend } from "../app/backend.ts";
import { useBackend } from "../app/context.ts";
import type { Path } from "../failures/failure.ts";
import type { ReauthenticationDialogProps } from "./reauthentication-dialog.tsx";

/** The options of `useReauthentication`. */
export interface ReauthenticationOptions {
  /** Completes "… only works shortly after you signed in." */
  readonly purpose: string;
  /** The path that an identity provider returns the user to. Default: the current page. */
  readonly returnTo?: string;
}

interface Question extends Pick<ReauthenticationDialogProps, "username" | "methods" | "factors" | "needs"> {
  readonly Dialog: ComponentType<ReauthenticationDialogProps>;
  readonly resolve: (confirmed: boolean) => void;
}

/** The modules of the dialog, loaded when it is first needed. `null`: loading failed. */
const fetchQuestion = async (
  { queryClient, trpc }: Backend,
  needs: Question["needs"],
): Promise<Omit<Question, "resolve"> | null> => {
  try {
    const [{ username }, methods, factors, { ReauthenticationDialog }] = await Promise.all([
      queryClient.ensureQueryData(trpc.user.me.queryOptions()),
      queryClient.fetchQuery(trpc.identity.list.queryOptions()),
      queryClient.fetchQuery(trpc.factor.list.queryOptions()),
      import("./reauthentication-dialog.tsx"),
    ]);
    return { username, methods, factors, needs, Dialog: ReauthenticationDialog };
  } catch {
    return null;
  }
};

/** Makes calls that need a fresh sign-in. Render `dialog` in the page. */
export const useReauthentication = ({ purpose, returnTo = location.pathname }: ReauthenticationOptions) => {
  const backend = useBackend();
  const [question, setQuestion] = useState<Question | null>(null);
  return {
    /**
     * Makes a call of `path`. If it is refused because the sign-in is too old, asks the user to reauthenticate and
     * repeats it. Returns `null` if they cancel.
     */
    async attempt<T>(path: Path, call: () => Promise<T>): Promise<T | null> {
      try {
        return await call();
      } catch (error) {
        const failure = backend.readFailure(path, error);
        if (failure.code !== "REAUTHENTICATION_REQUIRED") throw error;
        const asked = await fetchQuestion(backend, failure.details);
        if (!asked) throw error;
        const confirmed = await new Promise<boolean>((resolve) => setQuestion({ ...asked, resolve }));
        setQuestion(null);
        return confirmed ? call() : null;
      }
    },
    dialog: question && (
      <question.Dialog
        username={question.username}
        methods={question.methods}
        factors={question.factors}
        needs={question.needs}
        purpose={purpose}
        returnTo={returnTo}
        onAnswer={question.resolve}
      />
    ),
  };
};
