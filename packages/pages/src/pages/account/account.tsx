// The account page: shows and changes the data of the signed-in user.

import { UpdateUserInput, type User } from "@lockstep/kit";
import { TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Link } from "wouter";
import {
  Avatar,
  CardForm,
  cardClasses,
  type ErrorOf,
  FailureNotice,
  type FieldErrors,
  fieldErrorsOf,
  LoadingCard,
  Page,
  paths,
  useBackend,
  useForm,
  useLanguage,
  usePasskeySignals,
  useSlots,
  useWords,
} from "../../parts.ts";
import styles from "./account.module.css";
import { accountWords } from "./words.ts";

export const AccountPage = () => {
  const { trpc, readFailure } = useBackend();
  const { title, lead } = useWords("account", accountWords);
  const { sections = [] } = useSlots("account");
  const me = useQuery(trpc.user.me.queryOptions());
  const failure = me.error && readFailure("user.me", me.error);
  return (
    <Page title={title} lead={lead}>
      {failure && <FailureNotice failure={failure} onRetry={() => void me.refetch()} retrying={me.isFetching} />}
      {(me.data || !failure) && (
        <div className={styles.columns} aria-busy={me.isPending}>
          {me.data ? (
            <>
              <Profile user={me.data} />
              <div className={styles.column}>
                <DetailsForm user={me.data} />
                {sections.map((Section, place) => (
                  // biome-ignore lint/suspicious/noArrayIndexKey: the app's list never changes
                  <Section key={place} user={me.data} />
                ))}
              </div>
            </>
          ) : (
            <>
              <LoadingCard height="17rem" />
              <LoadingCard height="17rem" />
            </>
          )}
        </div>
      )}
    </Page>
  );
};

const Profile = ({ user }: { user: User }) => {
  const words = useWords("account", accountWords).profile;
  const language = useLanguage();
  return (
    <section className={cardClasses.card} aria-label={words.label}>
      <div className={styles.who}>
        <Avatar fullName={user.fullName} />
        <div className={styles.names}>
          <p className={styles.fullName}>{user.fullName}</p>
          <p className={styles.username}>@{user.username}</p>
        </div>
      </div>
      <dl className={styles.facts}>
        <div>
          <dt>{words.email}</dt>
          <dd>{user.email ?? words.noEmail}</dd>
        </div>
        <div>
          <dt>{words.role}</dt>
          <dd>{words.roles[user.role] ?? user.role}</dd>
        </div>
        <div>
          <dt>{words.memberSince}</dt>
          <dd>{new Intl.DateTimeFormat(language, { dateStyle: "long" }).format(user.createdAt)}</dd>
        </div>
        <div>
          <dt>{words.data}</dt>
          <dd>
            <Link href={paths.yourData}>{words.exportOrDelete}</Link>
          </dd>
        </div>
      </dl>
    </section>
  );
};

interface Details {
  readonly fullName: string;
}

const detailsOf = (user: User): Details => ({ fullName: user.fullName });

const DetailsForm = ({ user }: { user: User }) => {
  const { queryClient, trpc, readFailure } = useBackend();
  const words = useWords("account", accountWords).details;
  const meKey = trpc.user.me.queryKey();
  /** The last answer of the server. `user` is ahead of it while a change is being saved. */
  const [saved, setSaved] = useState(() => detailsOf(user));

  const tellPasskeys = usePasskeySignals();
  const update = useMutation(
    trpc.user.update.mutationOptions({
      async onMutate(change) {
        await queryClient.cancelQueries({ queryKey: meKey });
        const before = queryClient.getQueryData(meKey);
        if (before) queryClient.setQueryData(meKey, { ...before, ...(change as Partial<User>) });
        return { before };
      },
      onError(error, _change, result) {
        queryClient.setQueryData(meKey, result?.before);
        form.refuse(refusedDetails(readFailure("user.update", error)));
      },
      onSuccess(answer) {
        queryClient.setQueryData(meKey, answer);
        void tellPasskeys();
        show(detailsOf(answer));
      },
    }),
  );
  const form = useForm({
    initialValues: saved,
    schema: UpdateUserInput,
    onSubmit: (change) => {
      if (!update.isPending) update.mutate(change);
    },
  });
  const failure = update.error && readFailure("user.update", update.error);

  const show = (details: Details) => {
    setSaved(details);
    form.show(details);
  };

  // Changed elsewhere: show it, unless the person is changing it here.
  useEffect(() => {
    if (!update.isPending && form.values.fullName === saved.fullName) show(detailsOf(user));
  }, [user]);

  return (
    <CardForm
      title={words.title}
      failure={failure && Object.keys(refusedDetails(failure)).length === 0 ? failure : null}
      failureKey={update.submittedAt}
      submitLabel={update.isPending ? words.saving : words.save}
      busy={update.isPending}
      outcome={update.isSuccess && words.saved}
      onChange={update.reset}
      onSubmit={form.submit}
    >
      <TextInput
        label={words.fullName}
        required
        autoComplete="name"
        readOnly={update.isPending}
        {...form.field("fullName")}
      />
    </CardForm>
  );
};

const refusedDetails = (failure: ErrorOf<"user.update">): FieldErrors<Details> =>
  failure.code === "INVALID_INPUT" ? fieldErrorsOf(failure.details.issues) : {};
