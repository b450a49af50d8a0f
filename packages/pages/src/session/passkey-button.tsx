// The button to sign in with a passkey, loaded after the form.

import { Suspense } from "react";
import { lazyPart } from "../layout/lazy-page.tsx";

const Loaded = lazyPart(async () => (await import("../factors/passkey-sign-in.tsx")).PasskeySignIn);

/** Signs in with a passkey, where the server and the browser have them. Put it inside `SignInForm`. */
export const PasskeySignIn = () => (
  <Suspense fallback={null}>
    <Loaded />
  </Suspense>
);
