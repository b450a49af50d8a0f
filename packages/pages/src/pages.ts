// Owns the list of this package's pages: their names, addresses, and which of them are loaded only when they are
// opened.

import type { ComponentType } from "react";
import { lazyPage } from "./layout/lazy-page.tsx";
import { AccountPage } from "./pages/account/account.tsx";
import type { ConsentPageProps } from "./pages/consent/consent.tsx";
import type { DevicePageMessage } from "./pages/device/device.tsx";
import type { ErrorPageMessage } from "./pages/error/error.tsx";
import { SignInPage } from "./pages/sign-in/sign-in.tsx";
import type { SignOutPageMessage } from "./pages/sign-out/sign-out.tsx";

/** The props of each page. */
export interface PageProps {
  readonly signIn: object;
  readonly signInCode: object;
  readonly signUp: object;
  readonly recover: object;
  readonly proof: object;
  readonly account: object;
  readonly email: object;
  readonly security: object;
  readonly sessions: object;
  readonly apps: object;
  readonly developer: object;
  readonly linkedAccounts: object;
  readonly password: object;
  readonly yourData: object;
  readonly secondFactors: object;
  readonly consent: ConsentPageProps;
  readonly device: { readonly message: DevicePageMessage };
  readonly signOut: { readonly message: SignOutPageMessage };
  readonly error: { readonly message: ErrorPageMessage };
  readonly notFound: object;
}

/** The name of a page of this package. */
export type PageName = keyof PageProps;

/** A component for each page. */
export type Pages = { readonly [P in PageName]: ComponentType<PageProps[P]> };

export const defaultPages: Pages = {
  signIn: SignInPage,
  account: AccountPage,
  signInCode: lazyPage(async () => (await import("./pages/sign-in-code/sign-in-code.tsx")).SignInCodePage),
  signUp: lazyPage(async () => (await import("./pages/sign-up/sign-up.tsx")).SignUpPage),
  recover: lazyPage(async () => (await import("./pages/recover/recover.tsx")).RecoverPage),
  proof: lazyPage(async () => (await import("./pages/proof/proof.tsx")).ProofPage),
  email: lazyPage(async () => (await import("./pages/email/email.tsx")).EmailPage),
  security: lazyPage(async () => (await import("./pages/security/security.tsx")).SecurityPage),
  sessions: lazyPage(async () => (await import("./pages/sessions/sessions.tsx")).SessionsPage),
  apps: lazyPage(async () => (await import("./pages/apps/apps.tsx")).AppsPage),
  developer: lazyPage(async () => (await import("./pages/developer/developer.tsx")).DeveloperPage),
  linkedAccounts: lazyPage(
    async () => (await import("./pages/linked-accounts/linked-accounts.tsx")).LinkedAccountsPage,
  ),
  password: lazyPage(async () => (await import("./pages/password/password.tsx")).PasswordPage),
  yourData: lazyPage(async () => (await import("./pages/your-data/your-data.tsx")).YourDataPage),
  secondFactors: lazyPage(async () => (await import("./pages/second-factors/second-factors.tsx")).SecondFactorsPage),
  consent: lazyPage(async () => (await import("./pages/consent/consent.tsx")).ConsentPage),
  device: lazyPage(async () => (await import("./pages/device/device.tsx")).DevicePage),
  signOut: lazyPage(async () => (await import("./pages/sign-out/sign-out.tsx")).SignOutPage),
  error: lazyPage(async () => (await import("./pages/error/error.tsx")).ErrorPage),
  notFound: lazyPage(async () => (await import("./pages/not-found/not-found.tsx")).NotFoundPage),
};
