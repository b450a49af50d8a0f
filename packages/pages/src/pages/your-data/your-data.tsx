// The page to export everything that is stored about the user, and to delete the account.

import { useQuery } from "@tanstack/react-query";
import { FailureNotice, LoadingCard, Page, paths, useBackend, useWords } from "../../parts.ts";
import { DeleteAccount } from "./delete-account.tsx";
import { ExportData } from "./export-data.tsx";
import { yourDataWords } from "./words.tsx";
import styles from "./your-data.module.css";

export const YourDataPage = () => {
  const { trpc, readFailure } = useBackend();
  const { title, lead, back } = useWords("yourData", yourDataWords);
  const me = useQuery(trpc.user.me.queryOptions());
  const preview = useQuery(trpc.account.previewDeletion.queryOptions());
  const clients = useQuery(trpc.client.list.queryOptions());
  const queries = [me, preview, clients];
  const failure =
    (me.error && readFailure("user.me", me.error)) ??
    (preview.error && readFailure("account.previewDeletion", preview.error)) ??
    (clients.error && readFailure("client.list", clients.error));
  return (
    <Page title={title} lead={lead} back={{ path: paths.account, label: back }}>
      <div className={styles.column}>
        {failure && (
          <FailureNotice
            failure={failure}
            onRetry={() => void Promise.all(queries.map((query) => query.refetch()))}
            retrying={queries.some(({ isFetching }) => isFetching)}
          />
        )}
        {me.data && preview.data && clients.data ? (
          <>
            <ExportData user={me.data} />
            <DeleteAccount preview={preview.data} clients={clients.data} />
          </>
        ) : (
          !failure && <LoadingCard height="22rem" />
        )}
      </div>
    </Page>
  );
};
