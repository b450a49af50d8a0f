// Waits until it is known whether a user is signed in, so that the sign-in page does not flash.

import { sessionOf } from "@lockstep/client";
import { useSession } from "@lockstep/client/react";
import { type ReactNode, useEffect, useState } from "react";
import { useBackend } from "../app/context.ts";
import { FailureNotice } from "../failures/failure-notice.tsx";
import { OneMoment } from "../layout/one-moment.tsx";
import { Page } from "../layout/page.tsx";
import { sessionWords } from "../words/shared.ts";
import { useWords } from "../words/words.ts";

/** Shows its children once it is known whether a user is signed in. */
export const SettledSession = ({ children }: { children: ReactNode }) => {
  const session = useSession();
  if (session.status !== "loading") return children;
  return session.error === undefined ? <OneMoment /> : <NotConnected error={session.error} />;
};

const NotConnected = ({ error }: { error: unknown }) => {
  const { client, readFailure } = useBackend();
  const { notConnected } = useWords("session", sessionWords);
  const [retrying, setRetrying] = useState(false);
  const retry = () => {
    setRetrying(true);
    // The state of the session shows the result.
    void sessionOf(client)
      .restore()
      .catch(() => {})
      .finally(() => setRetrying(false));
  };
  useEffect(() => {
    window.addEventListener("online", retry);
    return () => window.removeEventListener("online", retry);
  }, []);
  return (
    <Page title={notConnected} narrow>
      <FailureNotice failure={readFailure("auth.refresh", error)} retrying={retrying} onRetry={retry} />
    </Page>
  );
};
