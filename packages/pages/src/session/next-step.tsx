// The second step of a sign-in, loaded when a sign-in needs one.

import { type ReactNode, Suspense } from "react";
import type { NextStepProps } from "../factors/second-step.tsx";
import { lazyPage } from "../layout/lazy-page.tsx";
import { OneMoment } from "../layout/one-moment.tsx";

const SecondStep = lazyPage(async () => (await import("../factors/second-step.tsx")).SecondStep);

/** Completes a sign-in that was answered with another status than `signed_in`, in place of the form that began it. */
export const NextStep = (props: NextStepProps): ReactNode => (
  <Suspense fallback={<OneMoment />}>
    <SecondStep {...props} />
  </Suspense>
);

/**
 * What a sign-in at an identity provider left in the address, to be completed: read once, since the challenge must not stay
 * in the history. `null`: nothing.
 */
export const takeContinuation = (): string | null => {
  const text = new URLSearchParams(location.hash.slice(1)).get("continue");
  if (text !== null) history.replaceState(history.state, "", location.pathname + location.search);
  return text;
};
