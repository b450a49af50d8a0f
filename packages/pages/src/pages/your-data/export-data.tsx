// Downloads everything that is stored about the user, as one file that is collected part by part.

import type { ExportPart, User } from "@lockstep/kit";
import { Button } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { cardClasses, FailureNotice, useBackend, useReauthentication, useWords } from "../../parts.ts";
import { yourDataWords } from "./words.tsx";
import styles from "./your-data.module.css";

export const ExportData = ({ user: { username } }: { user: User }) => {
  const { client, readFailure } = useBackend();
  const words = useWords("yourData", yourDataWords).export;
  const reauthentication = useReauthentication({ purpose: words.purpose });

  const collect = async (): Promise<Omit<ExportPart, "next">> => {
    const { next, ...all } = await client.account.export.mutate({});
    for (let cursor = next; cursor !== null; ) {
      const part = await client.account.export.mutate({ cursor });
      for (const [table, rows] of Object.entries(part.tables))
        all.tables[table] = [...(all.tables[table] ?? []), ...rows];
      cursor = part.next;
    }
    return all;
  };
  const download = useMutation({
    mutationFn: () => reauthentication.attempt("account.export", collect),
    onSuccess(all) {
      if (all) save(JSON.stringify(all, null, 2), words.fileName(username, all.exportedAt.slice(0, 10)));
    },
  });
  return (
    <section className={cardClasses.card} aria-labelledby="export-title">
      <h2 id="export-title" className={cardClasses.cardTitle}>
        {words.title}
      </h2>
      <div className={cardClasses.fields}>
        <p className={styles.text}>{words.text}</p>
        {download.error && (
          <FailureNotice
            key={download.submittedAt}
            failure={readFailure("account.export", download.error)}
            takesFocus
          />
        )}
        <Button
          className={styles.action ?? ""}
          aria-disabled={download.isPending}
          onClick={() => !download.isPending && download.mutate()}
        >
          {download.isPending ? words.submitting : words.submit}
        </Button>
        <p role="status" className={styles.text}>
          {download.data && words.done}
        </p>
      </div>
      {reauthentication.dialog}
    </section>
  );
};

/** Puts a file into the user's downloads. */
const save = (json: string, fileName: string): void => {
  const href = URL.createObjectURL(new Blob([json], { type: "application/json" }));
  Object.assign(document.createElement("a"), { href, download: fileName }).click();
  URL.revokeObjectURL(href);
};
