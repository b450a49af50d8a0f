// Deletes the account, after a question that names what goes. The session ends with it: the sign-in page says why.

import type { DeletionPreview, OAuthClient } from "@lockstep/kit";
import { Button } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import {
  cardClasses,
  Dialog,
  DialogActions,
  FailureNotice,
  Moment,
  useBackend,
  useLanguage,
  useReauthentication,
  useWords,
} from "../../parts.ts";
import { yourDataWords } from "./words.tsx";
import styles from "./your-data.module.css";

const dayMs = 24 * 60 * 60 * 1000;

export interface DeleteAccountProps {
  readonly preview: DeletionPreview;
  readonly clients: readonly OAuthClient[];
}

export const DeleteAccount = ({ preview, clients }: DeleteAccountProps) => {
  const words = useWords("yourData", yourDataWords).delete;
  const [asking, setAsking] = useState(false);
  const days = Math.max(0, Math.round((preview.deletesAt - Date.now()) / dayMs));
  return (
    <section className={cardClasses.card} aria-labelledby="delete-title">
      <h2 id="delete-title" className={cardClasses.cardTitle}>
        {words.title}
      </h2>
      <div className={cardClasses.fields}>
        <p className={styles.text}>{preview.lastAdministrator ? words.lastAdministrator : words.text(days)}</p>
        {!preview.lastAdministrator && (
          <Button variant="default" className={styles.action ?? ""} onClick={() => setAsking(true)}>
            {words.submit}
          </Button>
        )}
      </div>
      {asking && (
        <DeleteQuestion
          deletesAt={days === 0 ? null : preview.deletesAt}
          clients={clients}
          onCancel={() => setAsking(false)}
        />
      )}
    </section>
  );
};

interface DeleteQuestionProps {
  /** Epoch milliseconds. `null`: at once. */
  readonly deletesAt: number | null;
  readonly clients: readonly OAuthClient[];
  readonly onCancel: () => void;
}

const DeleteQuestion = ({ deletesAt, clients, onCancel }: DeleteQuestionProps) => {
  const { client, queryClient, trpc, readFailure } = useBackend();
  const words = useWords("yourData", yourDataWords).delete;
  const language = useLanguage();
  const reauthentication = useReauthentication({ purpose: words.purpose });
  const remove = useMutation({
    mutationFn: () => reauthentication.attempt("account.delete", () => client.account.delete.mutate()),
    async onSuccess(answer) {
      // The session has ended: this call is refused, and the sign-in page follows.
      if (answer) await queryClient.refetchQueries({ queryKey: trpc.user.me.queryKey() });
    },
  });
  const names = new Intl.ListFormat(language).format(clients.map(({ name }) => name));
  return (
    <>
      <Dialog title={words.question} onCancel={() => !remove.isPending && onCancel()}>
        <p>{words.goes.title}</p>
        <ul className={styles.goes}>
          <li>{words.goes.profile}</li>
          <li>{words.goes.access}</li>
          {clients.length > 0 && <li>{words.goes.clients(names)}</li>}
          <li>{words.goes.stored}</li>
        </ul>
        <p>{deletesAt === null ? words.atOnce : words.until(<Moment at={deletesAt} />)}</p>
        {remove.error && (
          <FailureNotice key={remove.submittedAt} failure={readFailure("account.delete", remove.error)} takesFocus />
        )}
        <DialogActions>
          <Button variant="default" onClick={() => !remove.isPending && onCancel()}>
            {words.cancel}
          </Button>
          <Button color="red" aria-disabled={remove.isPending} onClick={() => !remove.isPending && remove.mutate()}>
            {remove.isPending ? words.confirming : words.confirm}
          </Button>
        </DialogActions>
      </Dialog>
      {reauthentication.dialog}
    </>
  );
};
