// Tells the browser about the user's passkeys. What does so is loaded when it is first needed.

import { useBackend } from "../app/context.ts";

/**
 * Tells the browser which passkeys the signed-in user has, and the user's names, so that its suggestions are right. Call it
 * after a change of them. Where browsers have no such thing, or the server cannot be reached, it does nothing.
 */
export const usePasskeySignals = (): (() => Promise<void>) => {
  const { client } = useBackend();
  return async () => {
    const passkeys = await import("../factors/passkeys.ts").catch(() => null);
    await passkeys?.tellPasskeys(client);
  };
};
