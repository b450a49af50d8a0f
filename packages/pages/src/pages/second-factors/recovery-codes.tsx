// Makes recovery codes, and shows them once.

import type { FactorList } from "@lockstep/kit";
import { Button } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { cardClasses, FailureNotice, useBackend, useReauthentication, useWords } from "../../parts.ts";
import styles from "./second-factors.module.css";
import { secondFactorsWords } from "./words.tsx";

/** With fewer, the user is told to make new ones. */
const few = 4;

export const RecoveryCodes = ({ list: { factors, recoveryCodesLeft } }: { list: FactorList }) => {
  const { client, queryClient, readFailure, trpc } = useBackend();
  const all = useWords("secondFactors", secondFactorsWords);
  const words = all.codes;
  const me = useQuery(trpc.user.me.queryOptions());
  const reauthentication = useReauthentication({ purpose: all.purpose });
  const make = useMutation({
    mutationFn: () =>
      reauthentication.attempt("factor.renewRecoveryCodes", () => client.factor.renewRecoveryCodes.mutate()),
    onSettled: () => queryClient.invalidateQueries({ queryKey: trpc.factor.list.queryKey() }),
  });
  // Codes recover from the loss of factors: without one, there is nothing to recover from.
  if (factors.length === 0) return null;
  const codes = make.data?.codes;
  return (
    <section className={cardClasses.card} aria-labelledby="codes-title">
      <h2 id="codes-title" className={cardClasses.cardTitle}>
        {words.title}
      </h2>
      <div className={cardClasses.fields}>
        <p className={styles.aside}>{words.text}</p>
        {make.error && (
          <FailureNotice
            key={make.submittedAt}
            failure={readFailure("factor.renewRecoveryCodes", make.error)}
            takesFocus
          />
        )}
        {codes ? (
          <>
            <p role="status">{words.shown}</p>
            <ul className={styles.codes}>
              {codes.map((code) => (
                <li key={code}>
                  <code>{code}</code>
                </li>
              ))}
            </ul>
            <div className={styles.buttons}>
              <a
                className={styles.download}
                download={words.fileName(me.data?.username ?? "")}
                href={`data:text/plain;charset=utf-8,${encodeURIComponent(`${codes.join("\n")}\n`)}`}
              >
                {words.download}
              </a>
              <Button variant="default" onClick={() => make.reset()}>
                {words.done}
              </Button>
            </div>
          </>
        ) : (
          <>
            <p>
              {words.left(recoveryCodesLeft)} {recoveryCodesLeft < few && words.few}
            </p>
            <Button variant="default" aria-disabled={make.isPending} onClick={() => !make.isPending && make.mutate()}>
              {make.isPending ? words.making : recoveryCodesLeft === 0 ? words.make : words.renew}
            </Button>
          </>
        )}
      </div>
      {reauthentication.dialog}
    </section>
  );
};
