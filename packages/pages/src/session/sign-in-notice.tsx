// Shows on every page that somebody signed in to the account elsewhere, until it is dismissed. Loaded only then.

import { Suspense } from "react";
import { useAppContext } from "../app/context.ts";
import { lazyPart } from "../layout/lazy-page.tsx";
import { useNews } from "./news.ts";
import styles from "./sign-in-notice.module.css";

const SignInNoticeText = lazyPart(async () => (await import("./sign-in-notice-text.tsx")).SignInNoticeText);

/** Shows a signed-in user that somebody signed in to their account elsewhere. It lies over the page. */
export const SignInNotice = () => {
  const { news } = useAppContext();
  const { signIn } = useNews();
  return (
    <div role="status" className={styles.region}>
      {signIn && (
        <Suspense fallback={null}>
          <SignInNoticeText signIn={signIn} onDismiss={() => news.tell({ signIn: null })} />
        </Suspense>
      )}
    </div>
  );
};
