// Shows why a user returned from an identity provider without being signed in. Loaded only then.

import { Suspense } from "react";
import { useSearch } from "wouter";
import { lazyPart } from "../layout/lazy-page.tsx";

const LoginProblemText = lazyPart(async () => (await import("./login-problem-text.tsx")).LoginProblemText);

/** Shows why a sign-in with an identity provider failed, if the URL of this page names a problem. */
export const LoginProblemNotice = () => {
  const problem = new URLSearchParams(useSearch()).get("problem");
  if (problem === null) return null;
  return (
    <Suspense fallback={null}>
      <LoginProblemText problem={problem} />
    </Suspense>
  );
};
