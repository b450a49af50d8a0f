// Says that the browser is solving a challenge of the server. Users have nothing to do meanwhile.

import { Suspense } from "react";
import { lazyPart } from "../layout/lazy-page.tsx";

const ChallengeText = lazyPart(async () => (await import("./challenge-text.tsx")).ChallengeText);

/** Says that the browser is solving a challenge, below the button that caused it. */
export const ChallengeStatus = () => (
  <Suspense fallback={null}>
    <ChallengeText />
  </Suspense>
);
