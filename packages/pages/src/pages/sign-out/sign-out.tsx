// Signing out at the request of an app (OpenID Connect RP-Initiated Logout §2). The form posts to the server.

import type { ProtocolPage } from "@lockstep/kit";
import { Button } from "@mantine/core";
import { Page, PageLink, paths, ServerForm, useBrand, useWords } from "../../parts.ts";
import styles from "./sign-out.module.css";
import { signOutWords } from "./words.tsx";

type Of<P extends ProtocolPage["page"]> = Extract<ProtocolPage, { page: P }>;

/** The data that the server embedded in the page. */
export type SignOutPageMessage = Of<"sign_out" | "signed_out">;

export const SignOutPage = ({ message }: { message: SignOutPageMessage }) => {
  const { done } = useWords("signOut", signOutWords);
  switch (message.page) {
    case "sign_out":
      return <Question page={message} />;
    case "signed_out":
      return (
        <Page title={done.title} lead={done.lead} narrow>
          <PageLink to={paths.signIn}>{done.signIn}</PageLink>
        </Page>
      );
  }
};

const Question = ({ page: { client: app, returnsTo, ...form } }: { page: Of<"sign_out"> }) => {
  const { ask: words } = useWords("signOut", signOutWords);
  const { name } = useBrand();
  return (
    <Page title={app ? words.titleToo(name) : words.title(name)} lead={app ? words.lead(app.name) : undefined} narrow>
      <ServerForm page={form}>
        <p className={styles.text}>{words.text}</p>
        {returnsTo !== null && (
          <p className={styles.text}>{words.next(<strong className={styles.host}>{returnsTo}</strong>)}</p>
        )}
        <div className={styles.stack}>
          <Button type="submit" fullWidth name="logout" value="yes">
            {app ? words.signOutToo(name) : words.signOut(name)}
          </Button>
          <Button type="submit" fullWidth variant="default">
            {words.stay}
          </Button>
        </div>
      </ServerForm>
    </Page>
  );
};
