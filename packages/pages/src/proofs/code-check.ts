// Checks a typed code before the page continues, so that a wrong one is noticed where it was typed. It uses nothing up.

import { useMutation } from "@tanstack/react-query";
import { useBackend } from "../app/context.ts";
import type { ProofFlow } from "./proof-flow.ts";

/** The props of `CheckMail` for a page that continues with the code when it is right. */
export const useCodeCheck = (flow: ProofFlow) => {
  const { client, readFailure } = useBackend();
  const check = useMutation({
    mutationFn: (input: { proofId: string; code: string }) => client.account.checkCode.mutate(input),
    onSuccess: (_, { code }) => flow.enter(code),
    onError(error) {
      const refused = readFailure("account.checkCode", error);
      if (refused.code === "PROOF_REFUSED") flow.refuse(refused.details);
    },
  });
  const failure = check.error && readFailure("account.checkCode", check.error);
  return {
    busy: check.isPending,
    failure: failure?.code === "PROOF_REFUSED" ? null : failure,
    onCode(code: string) {
      if (flow.proof) check.mutate({ proofId: flow.proof.proofId, code });
    },
  };
};
