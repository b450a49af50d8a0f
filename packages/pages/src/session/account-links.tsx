// The links below a sign-in form for people who cannot sign in with a password: it is lost, or there is no account yet.

import { Link } from "wouter";
import { paths } from "../paths.ts";
import { sessionWords } from "../words/shared.ts";
import { useWords } from "../words/words.ts";
import styles from "./account-links.module.css";
import { returnSearch } from "./return-path.ts";
import { useSignInMethods } from "./sign-in-methods.ts";

/** The props of `AccountLinks`. */
export interface AccountLinksProps {
  /** The path to continue at afterwards. */
  readonly returnTo: string;
}

/** Links to recovery, sign-up and signing in with a code, as far as the server has them. */
export const AccountLinks = ({ returnTo }: AccountLinksProps) => {
  const { forgotPassword, createAccount, sendCode } = useWords("session", sessionWords);
  const methods = useSignInMethods().data;
  const search = returnSearch(returnTo);
  if (!methods?.recovery) return null;
  return (
    <p className={styles.links}>
      <Link href={paths.recover + search}>{forgotPassword}</Link>
      {methods.signInCode && <Link href={paths.signInCode + search}>{sendCode}</Link>}
      {methods.signUp !== "off" && <Link href={paths.signUp + search}>{createAccount}</Link>}
    </p>
  );
};
