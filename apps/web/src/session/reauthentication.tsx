// Makes a call again that the server refused because the sign-in is old, once the person has proved that it is still
// them: by their password, in place, or at an identity provider, which returns them to this app.

import { type ComponentType, useState } from "react";
import { queryClient, trpc } from "../backend.ts";
import { errorOf, type Path } from "../failures/failure.ts";
import type { ReauthenticationDialogProps } from "./reauthentication-dialog.tsx";

export interface ReauthenticationOptions {
  /** Completes "… only works shortly after." */
  readonly purpose: string;
  /** Where an identity provider returns the person to. Default: the page that they are on. */
  readonly returnTo?: string;
}

interface Question extends Pick<ReauthenticationDialogProps, "username" | "methods"> {
  readonly Dialog: ComponentType<ReauthenticationDialogProps>;
  readonly resolve: (confirmed: boolean) => void;
}

/** What is needed to ask, fetched when somebody has to be asked. `null`: it could not be fetched. */
const fetchQuestion = async (): Promise<Omit<Question, "resolve"> | null> => {
  try {
    const [{ username }, methods, { ReauthenticationDialog }] = await Promise.all([
      queryClient.ensureQueryData(trpc.user.me.queryOptions()),
      queryClient.fetchQuery(trpc.identity.list.queryOptions()),
      import("./reauthentication-dialog.tsx"),
    ]);
    return { username, methods, Dialog: ReauthenticationDialog };
  } catch {
    return null;
  }
};

/** `dialog` belongs into the page. */
export const useReauthentication = ({ purpose, returnTo = location.pathname }: ReauthenticationOptions) => {
  const [question, setQuestion] = useState<Question | null>(null);
  return {
    /**
     * Makes a call of `path`, and where it is refused for that reason, once more after the person proved who they are.
     * Answers `null` when they did not.
     */
    async attempt<T>(path: Path, call: () => Promise<T>): Promise<T | null> {
      try {
        return await call();
      } catch (error) {
        if (errorOf(path, error)?.code !== "REAUTHENTICATION_REQUIRED") throw error;
        const asked = await fetchQuestion();
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
        purpose={purpose}
        returnTo={returnTo}
        onAnswer={question.resolve}
      />
    ),
  };
};
