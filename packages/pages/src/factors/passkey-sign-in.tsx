// Signs in with a passkey alone: by a button, or among the browser's suggestions for the field of the username.

import { Button } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useBackend } from "../app/context.ts";
import { FailureNotice } from "../failures/failure-notice.tsx";
import { useSignInMethods } from "../session/sign-in-methods.ts";
import { useWords } from "../words/words.ts";
import { askForPasskey, forgetPasskey, hasPasskeys, stopAsking, tellPasskeys } from "./passkeys.ts";
import { factorWords } from "./words.ts";

export const PasskeySignIn = () => {
  const { client, readFailure } = useBackend();
  const words = useWords("factors", factorWords).signIn;
  const offered = useSignInMethods().data?.passkeys === true && hasPasskeys();
  /** Whether the user gave a passkey. `null`: they were not asked yet, or left a suggestion alone. */
  const [gave, setGave] = useState<boolean | null>(null);
  const signIn = useMutation({
    mutationFn: async ({ conditional }: { conditional: boolean }) => {
      setGave(null);
      const asked = await client.auth.passkeyOptions.mutate();
      const passkey = await askForPasskey(asked, { conditional });
      if (!passkey) return setGave(conditional && null);
      setGave(true);
      try {
        await client.auth.loginWithPasskey.mutate({ passkey });
      } catch (error) {
        if (readFailure("auth.loginWithPasskey", error).code === "INVALID_CREDENTIALS")
          await forgetPasskey(asked.options.rpId, passkey.credential.id);
        throw error;
      }
      void tellPasskeys(client);
    },
  });
  useEffect(() => {
    if (!offered) return;
    let left = false;
    void PublicKeyCredential.isConditionalMediationAvailable?.().then((available) => {
      if (available && !left) signIn.mutate({ conditional: true });
    });
    return () => {
      left = true;
      void stopAsking();
    };
  }, [offered]);
  if (!offered) return null;
  const failed = signIn.error && readFailure("auth.loginWithPasskey", signIn.error);
  // Nobody asked for suggestions, so a failure is worth a notice only if the user took one.
  const failure = signIn.variables?.conditional && !gave ? null : failed;
  const busy = signIn.isPending && !signIn.variables.conditional;
  return (
    <>
      {failure &&
        (failure.code === "INVALID_CREDENTIALS" ? (
          <p role="alert">{words.unknown}</p>
        ) : (
          <FailureNotice key={signIn.submittedAt} failure={failure} />
        ))}
      {gave === false && <p role="status">{words.noPasskey}</p>}
      <Button
        variant="default"
        fullWidth
        aria-disabled={busy}
        onClick={() => !busy && signIn.mutate({ conditional: false })}
      >
        {busy ? words.waiting : words.passkey}
      </Button>
    </>
  );
};
