// The page to register an app.

import type { RegisterClientInput, RegisteredClient } from "@lockstep/kit";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { trpc } from "../../backend.ts";
import { readFailure } from "../../failures/failure.ts";
import { Page } from "../../shell/page.tsx";
import { AppForm, noDetails } from "./app-form.tsx";

export const RegisterPage = ({ onRegistered }: { onRegistered: (registered: RegisteredClient) => void }) => {
  const queryClient = useQueryClient();
  const register = useMutation(
    trpc.client.register.mutationOptions({
      onSuccess(registered) {
        queryClient.setQueryData(trpc.client.list.queryKey(), (list) => list && [...list, registered.client]);
        onRegistered(registered);
      },
    }),
  );
  return (
    <Page title="Register an app" lead="Tell people who asks them, and where they come back to.">
      <AppForm
        title="What it is"
        initial={noDetails}
        submitLabel={register.isPending ? "Registering…" : "Register"}
        busy={register.isPending}
        failure={register.error && readFailure("client.register", register.error)}
        onSubmit={(input: RegisterClientInput) => register.mutate(input)}
      />
    </Page>
  );
};
