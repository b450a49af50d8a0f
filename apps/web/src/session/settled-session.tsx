// Waits, on a page that has just loaded, until it is known whether somebody is signed in: nobody sees a
// sign-in page that they are about to be taken away from.

import { type ReactNode, useEffect, useState } from "react";
import { session as pageSession } from "../backend.ts";
import { FailureNotice } from "../failures/failure-notice.tsx";
import { OneMoment } from "../shell/one-moment.tsx";
import { Page } from "../shell/page.tsx";
import { useSession } from "./use-session.ts";

export const SettledSession = ({ children }: { children: ReactNode }) => {
  const session = useSession();
  const [retrying, setRetrying] = useState(false);
  const retry = () => {
    setRetrying(true);
    void pageSession.start().finally(() => setRetrying(false));
  };
  const unanswered = session.status === "unanswered";
  useEffect(() => {
    if (!unanswered) return;
    window.addEventListener("online", retry);
    return () => window.removeEventListener("online", retry);
  }, [unanswered]);
  switch (session.status) {
    case "starting":
      return <OneMoment />;
    case "unanswered":
      return (
        <Page title="Not connected" narrow>
          <FailureNotice failure={session.failure} retrying={retrying} onRetry={retry} />
        </Page>
      );
    default:
      return children;
  }
};
