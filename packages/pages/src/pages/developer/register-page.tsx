// The page to register an app.

import type { RegisterClientInput, RegisteredClient } from "@lockstep/kit";
import { useMutation } from "@tanstack/react-query";
import { Page, useBackend, useWords } from "../../parts.ts";
import { developerPath } from "./addresses.ts";
import { AppForm, noDetails } from "./app-form.tsx";
import { developerWords } from "./words.ts";

export const RegisterPage = ({ onRegistered }: { onRegistered: (registered: RegisteredClient) => void }) => {
  const { queryClient, trpc, readFailure } = useBackend();
  const { list, register: words } = useWords("developer", developerWords);
  const register = useMutation(
    trpc.client.register.mutationOptions({
      onSuccess(registered) {
        queryClient.setQueryData(trpc.client.list.queryKey(), (list) => list && [...list, registered.client]);
        onRegistered(registered);
      },
    }),
  );
  return (
    <Page title={words.title} lead={words.lead} back={{ path: developerPath, label: list.back }}>
      <AppForm
        title={words.formTitle}
        initial={noDetails}
        submitLabel={register.isPending ? words.submitting : words.submit}
        busy={register.isPending}
        failure={register.error && readFailure("client.register", register.error)}
        failureKey={register.submittedAt}
        onSubmit={(input: RegisterClientInput) => register.mutate(input)}
      />
    </Page>
  );
};
