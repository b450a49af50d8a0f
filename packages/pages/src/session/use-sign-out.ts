// Owns the call that signs the user out of this session.

import { type UseMutationOptions, useMutation } from "@tanstack/react-query";
import { useAppContext } from "../app/context.ts";

interface SignedOut {
  readonly continueAt?: string | undefined;
}

/** The mutation that signs the user out. */
export const useSignOut = (
  options: Pick<UseMutationOptions<SignedOut>, "onMutate" | "onSuccess" | "onError" | "onSettled">,
) => {
  const { backend, steps } = useAppContext();
  return useMutation<SignedOut>({
    ...options,
    mutationFn: () => steps.leave(() => backend.client.auth.logout.mutate()),
  });
};
