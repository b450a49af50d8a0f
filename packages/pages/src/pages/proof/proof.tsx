// The page that a link in a mail opens. In the browser that asked, it continues there without typing; in another one, it
// shows the code. The secret is in the fragment of the address, which it removes. Opening it changes nothing.

import { useSession } from "@lockstep/client/react";
import type { ProofView } from "@lockstep/kit";
import { useMutation } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Redirect } from "wouter";
import {
  ButtonLink,
  FailureNotice,
  OneMoment,
  Page,
  ProofRefused,
  paths,
  proofState,
  SignInForm,
  useBackend,
  useWords,
} from "../../parts.ts";
import { KeepAccount } from "./keep-account.tsx";
import { ShownCode } from "./shown-code.tsx";
import { UndoChange } from "./undo-change.tsx";
import { proofWords } from "./words.tsx";

export const ProofPage = () => {
  const secret = useSecret();
  const words = useWords("proof", proofWords);
  if (secret === "") {
    return (
      <Page title={words.noSecret.title} lead={words.noSecret.lead} narrow>
        <ButtonLink href={paths.account}>{words.home}</ButtonLink>
      </Page>
    );
  }
  // Another link starts anew.
  return <OfSecret key={secret} secret={secret} />;
};

/** What follows the `#`. It is removed from the address, so that it is in no history, bookmark or screenshot. */
const useSecret = (): string => {
  const [secret, setSecret] = useState(() => location.hash.slice(1));
  useEffect(() => {
    const take = () => {
      const found = location.hash.slice(1);
      if (found === "") return;
      setSecret(found);
      history.replaceState(null, "", location.pathname);
    };
    take();
    addEventListener("hashchange", take);
    return () => removeEventListener("hashchange", take);
  }, []);
  return secret;
};

const OfSecret = ({ secret }: { secret: string }) => {
  const { client, readFailure } = useBackend();
  const words = useWords("proof", proofWords);
  const read = useMutation({ mutationFn: () => client.account.readProof.mutate({ secret }) });
  useEffect(() => read.mutate(), []);
  if (read.data) return <OfProof secret={secret} view={read.data} />;
  const failure = read.error && readFailure("account.readProof", read.error);
  if (!failure) return <OneMoment />;
  const home = <ButtonLink href={paths.account}>{words.home}</ButtonLink>;
  if (failure.code === "PROOF_REFUSED") return <ProofRefused reason={failure.details.reason}>{home}</ProofRefused>;
  // No secret has this form: a part of it is missing.
  if (failure.code === "INVALID_INPUT") return <ProofRefused reason="expired">{home}</ProofRefused>;
  return (
    <Page title={words.title} narrow>
      <FailureNotice failure={failure} onRetry={() => read.mutate()} retrying={read.isPending} />
    </Page>
  );
};

const OfProof = ({ secret, view }: { secret: string; view: ProofView }) => {
  const words = useWords("proof", proofWords);
  const { status } = useSession();
  const { purpose, email, code, proofId } = view;
  if (purpose === "email_undo") return <UndoChange secret={secret} email={email} />;
  if (purpose === "deletion_cancel")
    return view.deletesAt === null ? (
      <ProofRefused reason="expired" />
    ) : (
      <KeepAccount secret={secret} deletesAt={view.deletesAt} />
    );
  if (code === null) return <ProofRefused reason="expired" />;
  if (proofId === null) return <ShownCode purpose={purpose} email={email} code={code} expiresAt={view.expiresAt} />;
  if (purpose === "email_change" && status !== "signedIn") {
    return (
      <Page title={words.signIn.title} lead={words.signIn.lead} narrow>
        <SignInForm />
      </Page>
    );
  }
  return <Redirect to={pathOf[purpose]} replace state={proofState({ proofId, sentTo: email, code })} />;
};

const pathOf = { sign_up: paths.signUp, sign_in: paths.signInCode, recovery: paths.recover, email_change: paths.email };
