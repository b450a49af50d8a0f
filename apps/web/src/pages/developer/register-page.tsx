// The page to register an application.

import type { RegisterApplicationInput, RegisteredApplication } from "@lockstep/kit";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { trpc } from "../../backend.ts";
import { readFailure } from "../../failures/failure.ts";
import { Page } from "../../shell/page.tsx";
import { ApplicationForm, noDetails } from "./application-form.tsx";

export const RegisterPage = ({ onRegistered }: { onRegistered: (registered: RegisteredApplication) => void }) => {
  const queryClient = useQueryClient();
  const register = useMutation(
    trpc.application.register.mutationOptions({
      onSuccess(registered) {
        queryClient.setQueryData(trpc.application.list.queryKey(), (list) => list && [...list, registered.application]);
        onRegistered(registered);
      },
    }),
  );
  return (
    <Page title="Register an application" lead="Tell people who asks them, and where they come back to.">
      <ApplicationForm
        title="What it is"
        initial={noDetails}
        submitLabel={register.isPending ? "Registering…" : "Register"}
        busy={register.isPending}
        failure={register.error && readFailure("application.register", register.error)}
        onSubmit={(input: RegisterApplicationInput) => register.mutate(input)}
      />
    </Page>
  );
};
