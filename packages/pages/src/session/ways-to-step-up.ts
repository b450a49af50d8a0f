// Owns how a signed-in user can prove again who they are: by what they have, and an operation or an app accepts.

import type { ErrorDetails, FactorKind, FactorList } from "@lockstep/kit";
import { hasPasskeys } from "../factors/passkeys.ts";

/** What the user has, and what is asked of them. */
export interface StepUpQuestion {
  readonly methods: { readonly hasPassword: boolean };
  readonly factors: Pick<FactorList, "factors" | "recoveryCodesLeft">;
  readonly needs: ErrorDetails<"REAUTHENTICATION_REQUIRED">;
}

/** The ways that the user has, and that are accepted. */
export const waysToStepUp = ({ methods, factors: { factors, recoveryCodesLeft }, needs }: StepUpQuestion) => {
  const has = (kind: FactorKind) => factors.some((factor) => factor.kind === kind);
  const asksForCode = !needs.phishingResistant && needs.factors === 2 && (recoveryCodesLeft > 0 || has("totp"));
  const offersForm = !needs.phishingResistant && (needs.factors === 2 ? asksForCode : methods.hasPassword);
  return {
    offersPasskey: hasPasskeys() && has("passkey"),
    asksForCode,
    // Of two factors, the password is one. Without an age, what the session proved at its sign-in counts.
    asksForPassword: offersForm && methods.hasPassword && !(asksForCode && needs.maxAgeSeconds === null),
    offersForm,
  };
};
