// Shows that an operator is removing the user's second factors, and stops it.

import { Alert, Button } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { FailureNotice, Moment, useBackend, useReauthentication, useWords } from "../../parts.ts";
import styles from "./security.module.css";
import { securityWords } from "./words.tsx";

/** The button that had the focus is gone. */
const takeFocus = (notice: HTMLElement | null) => notice?.focus();

export const PendingReset = () => {
  const { client, queryClient, readFailure, trpc } = useBackend();
  const words = useWords("security", securityWords).reset;
  const resetsAt = useQuery(trpc.factor.list.queryOptions()).data?.resetsAt;
  const reauthentication = useReauthentication({ purpose: words.purpose });
  const stop = useMutation({
    mutationFn: () => reauthentication.attempt("factor.cancelReset", () => client.factor.cancelReset.mutate()),
    onSettled: () => void queryClient.invalidateQueries({ queryKey: trpc.factor.list.queryKey() }),
  });
  if (resetsAt)
    return (
      <Alert color="yellow" title={words.title}>
        {stop.error && (
          <FailureNotice key={stop.submittedAt} failure={readFailure("factor.cancelReset", stop.error)} takesFocus />
        )}
        <p className={styles.reset}>{words.text(<Moment at={resetsAt} />)}</p>
        <Button variant="default" aria-disabled={stop.isPending} onClick={() => !stop.isPending && stop.mutate()}>
          {words.stop}
        </Button>
        {reauthentication.dialog}
      </Alert>
    );
  return (
    stop.isSuccess && (
      <Alert ref={takeFocus} tabIndex={-1} role="status">
        {words.stopped}
      </Alert>
    )
  );
};
