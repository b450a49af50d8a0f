// Adds an authenticator app or a passkey, at a sign-in that requires one or on the page of second factors.

import { type Enrolment, type FactorKind, type NewPasskey, TotpCode } from "@lockstep/kit";
import { Button, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useBackend } from "../app/context.ts";
import { FailureNotice } from "../failures/failure-notice.tsx";
import { cardClasses } from "../layout/card.ts";
import { useWords } from "../words/words.ts";
import styles from "./add-factor.module.css";
import { CodeField } from "./code-field.tsx";
import { hasPasskeys, makePasskey } from "./passkeys.ts";
import { factorWords } from "./words.ts";

/** A factor that the user has finished. */
export interface AddedFactor {
  readonly enrolmentId: string;
  readonly name: string;
  readonly totp?: string;
  readonly passkey?: NewPasskey;
}

/** The props of `AddFactor`. */
export interface AddFactorProps {
  readonly kinds: readonly FactorKind[];
  /** The operation of `complete`, whose errors are shown. */
  readonly path: "factor.complete" | "auth.completeEnrolment";
  /** `null`: the user changed their mind. */
  readonly begin: (kind: FactorKind) => Promise<Enrolment | null>;
  readonly complete: (input: AddedFactor) => Promise<unknown>;
  readonly onAdded: () => void;
  readonly onCancel: () => void;
}

/** Adds a second factor: a button for each kind, then the form that finishes it. */
export const AddFactor = ({ kinds, path, begin, complete, onAdded, onCancel }: AddFactorProps) => {
  const { readFailure } = useBackend();
  const words = useWords("factors", factorWords).add;
  const start = useMutation({ mutationFn: begin });
  const enrolment = start.data;
  const failure =
    start.error && readFailure(path === "factor.complete" ? "factor.begin" : "auth.beginEnrolment", start.error);
  if (enrolment)
    return (
      <Finish
        key={enrolment.enrolmentId}
        enrolment={enrolment}
        path={path}
        complete={complete}
        onAdded={() => {
          start.reset();
          onAdded();
        }}
        onCancel={() => {
          start.reset();
          onCancel();
        }}
      />
    );
  return (
    <div className={cardClasses.fields}>
      {failure && <FailureNotice key={start.submittedAt} failure={failure} takesFocus />}
      {kinds
        .filter((kind) => kind !== "passkey" || hasPasskeys())
        .map((kind) => (
          <Button
            key={kind}
            variant="default"
            aria-disabled={start.isPending}
            onClick={() => !start.isPending && start.mutate(kind)}
          >
            {words.kinds[kind]}
          </Button>
        ))}
    </div>
  );
};

interface FinishProps extends Pick<AddFactorProps, "path" | "complete" | "onAdded" | "onCancel"> {
  readonly enrolment: Enrolment;
}

const Finish = ({ enrolment, path, complete, onAdded, onCancel }: FinishProps) => {
  const { readFailure } = useBackend();
  const factor = useWords("factors", factorWords);
  const words = factor.add;
  const { kind, enrolmentId } = enrolment;
  const [name, setName] = useState(words.names[kind]);
  const [code, setCode] = useState("");
  const [refused, setRefused] = useState<string | null>(null);

  const add = useMutation({
    mutationFn: async () => {
      if (enrolment.kind === "totp") return complete({ enrolmentId, name, totp: code });
      const passkey = await makePasskey(enrolment.options);
      if (passkey) return complete({ enrolmentId, name, passkey });
      setRefused(words.notMade);
      return null;
    },
    onSuccess: (answer) => answer !== null && onAdded(),
    onError(error) {
      if (readFailure(path, error).code === "FACTOR_REFUSED" && kind === "totp") setRefused(factor.prove.wrongCode);
    },
  });
  const failed = add.error && readFailure(path, add.error);
  const failure = failed && (failed.code !== "FACTOR_REFUSED" || kind === "passkey") ? failed : null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (add.isPending) return;
    const issue = kind === "totp" ? TotpCode.safeParse(code).error?.issues[0] : undefined;
    setRefused(issue?.message ?? null);
    if (!issue) add.mutate();
  };
  return (
    <form noValidate className={cardClasses.fields} onSubmit={submit}>
      {failure && <FailureNotice key={add.submittedAt} failure={failure} takesFocus />}
      {enrolment.kind === "totp" ? (
        <>
          <p>{words.scan}</p>
          <img
            className={styles.qrCode}
            src={`data:image/svg+xml,${encodeURIComponent(enrolment.qrCode)}`}
            alt={words.qrCode}
          />
          <p>
            {words.key}: <code className={styles.key}>{enrolment.secret}</code>
          </p>
          <CodeField
            label={words.code}
            digits
            value={code}
            error={refused}
            onChange={(value) => {
              setCode(value);
              setRefused(null);
            }}
          />
        </>
      ) : (
        <>
          <p>{words.passkeyText}</p>
          <p role="status">{refused}</p>
        </>
      )}
      <TextInput
        label={words.name}
        required
        maxLength={60}
        value={name}
        onChange={({ currentTarget }) => setName(currentTarget.value)}
      />
      <div className={styles.buttons}>
        <Button type="submit" aria-disabled={add.isPending}>
          {add.isPending ? words.submitting : words.submit}
        </Button>
        <Button variant="default" onClick={() => !add.isPending && onCancel()}>
          {words.cancel}
        </Button>
      </div>
    </form>
  );
};
