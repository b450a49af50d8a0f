// The page of one application: what it is known by, code to begin with, and how to change or delete it.

import {
  type Application,
  applicationKinds,
  type RegisterApplicationInput,
  type RegisteredApplication,
} from "@lockstep/kit";
import { Alert, Button, Skeleton } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { Link } from "wouter";
import { client, trpc } from "../../backend.ts";
import { readFailure } from "../../failures/failure.ts";
import { FailureNotice } from "../../failures/failure-notice.tsx";
import { useReauthentication } from "../../session/reauthentication.tsx";
import card from "../../shell/card.module.css";
import { Page } from "../../shell/page.tsx";
import { Question } from "../../shell/question.tsx";
import { NotFoundPage } from "../not-found.tsx";
import { UnverifiedMark } from "../unverified.tsx";
import { developerPath } from "./addresses.ts";
import { ApplicationForm, detailsOf } from "./application-form.tsx";
import { codeToPaste } from "./code-to-paste.ts";
import { CopyButton } from "./copy-button.tsx";
import styles from "./developer.module.css";
import { kindWords } from "./kinds.ts";

export interface ApplicationPageProps {
  readonly applicationId: string;
  /** What was given out just now. */
  readonly issued: RegisteredApplication | null;
  readonly onIssued: (issued: RegisteredApplication) => void;
  readonly onDeleted: (application: Application) => void;
}

export const ApplicationPage = ({ applicationId, ...rest }: ApplicationPageProps) => {
  const list = useQuery(trpc.application.list.queryOptions());
  const failure = list.error && readFailure("application.list", list.error);
  if (failure && !list.data) {
    return (
      <Page title="Application">
        <FailureNotice failure={failure} onRetry={() => void list.refetch()} retrying={list.isFetching} />
      </Page>
    );
  }
  if (!list.data) return <Skeleton height="24rem" maw="60rem" mx="auto" radius="0.875rem" />;
  const application = list.data.find(({ id }) => id === applicationId);
  return application ? <Registered key={application.id} application={application} {...rest} /> : <NotFoundPage />;
};

type RegisteredProps = Omit<ApplicationPageProps, "applicationId"> & {
  readonly application: Application;
};

const Registered = ({ application, issued, onIssued, onDeleted }: RegisteredProps) => (
  <Page
    title={application.name}
    lead={
      <>
        {applicationKinds[application.kind]}. {!application.verified && <UnverifiedMark />}
      </>
    }
  >
    <p className={styles.back}>
      <Link href={developerPath}>All your applications</Link>
    </p>
    <Identity application={application} issued={issued} onIssued={onIssued} />
    <Code application={application} />
    <Change application={application} />
    <Delete application={application} onDeleted={() => onDeleted(application)} />
  </Page>
);

const Identity = ({ application, issued, onIssued }: Omit<RegisteredProps, "onDeleted">) => {
  const notice = useRef<HTMLDivElement>(null);
  const [asking, setAsking] = useState(false);
  const reauthentication = useReauthentication({ purpose: "Making another secret" });
  const rotate = useMutation({
    mutationFn: () =>
      reauthentication.attempt("application.rotateSecret", () =>
        client.application.rotateSecret.mutate({ applicationId: application.id }),
      ),
    onSuccess(answer) {
      setAsking(false);
      if (answer) onIssued(answer);
    },
  });
  const secret = issued?.secret ?? null;
  useEffect(() => {
    if (secret !== null) notice.current?.focus();
  }, [secret]);
  return (
    <section className={card.card} aria-labelledby="identity-title">
      <h2 id="identity-title" className={card.cardTitle}>
        What it is known by
      </h2>
      <dl className={styles.values}>
        <Value label="Issuer" value={location.origin} />
        <Value label="Client ID" value={application.id} />
        {secret !== null && <Value label="Client secret" value={secret} />}
      </dl>
      {secret !== null && (
        <Alert ref={notice} tabIndex={-1} color="yellow" role="status" title="Copy the secret now">
          It is shown this once. Keep it where only your server can read it, and out of your source code.
        </Alert>
      )}
      {kindWords[application.kind].keepsSecret && application.jwksUri === null && secret === null && (
        <div className={styles.secret}>
          <p className={styles.sentence}>The client secret was shown once, when it was made.</p>
          <Button variant="default" size="sm" onClick={() => setAsking(true)}>
            Make another secret
          </Button>
        </div>
      )}
      {asking && (
        <Question
          title="Make another secret?"
          text="The secret that the application uses now ends at once: it cannot sign anybody in until it has the new one."
          confirmLabel={rotate.isPending ? "Making it…" : "Make another secret"}
          busy={rotate.isPending}
          failure={rotate.error && readFailure("application.rotateSecret", rotate.error)}
          failureKey={rotate.submittedAt}
          onConfirm={() => rotate.mutate()}
          onCancel={() => setAsking(false)}
        />
      )}
      {reauthentication.dialog}
    </section>
  );
};

const Value = ({ label, value }: { label: string; value: string }) => (
  <div className={styles.value}>
    <dt>{label}</dt>
    <dd>
      <code>{value}</code>
      <CopyButton text={value} label={label.toLowerCase()} />
    </dd>
  </div>
);

const Code = ({ application }: { application: Application }) => {
  const { sentence, code } = codeToPaste(application.kind, application, location.origin);
  return (
    <section className={card.card} aria-labelledby="code-title">
      <div className={styles.head}>
        <h2 id="code-title" className={`${card.cardTitle} ${styles.title}`}>
          Code to begin with
        </h2>
        <CopyButton text={code} label="code" />
      </div>
      <p className={styles.sentence}>{sentence}</p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, by keyboard as well */}
      <section className={styles.code} aria-label="Code" tabIndex={0}>
        <pre>{code}</pre>
      </section>
    </section>
  );
};

const Change = ({ application }: Pick<RegisteredProps, "application">) => {
  const queryClient = useQueryClient();
  const reauthentication = useReauthentication({ purpose: "Changing an application" });
  const update = useMutation({
    mutationFn: (input: RegisterApplicationInput) =>
      reauthentication.attempt("application.update", () =>
        client.application.update.mutate({ ...input, applicationId: application.id }),
      ),
    onSuccess(changed) {
      if (!changed) return;
      queryClient.setQueryData(trpc.application.list.queryKey(), (list) =>
        list?.map((one) => (one.id === changed.id ? changed : one)),
      );
    },
  });
  return (
    <>
      <ApplicationForm
        title="Details"
        note={
          application.verified &&
          "This application is verified. A change takes that away until an operator has looked at it again, and everybody who uses it is asked again."
        }
        initial={detailsOf(application)}
        unshown={application}
        kindIsSettled
        submitLabel={update.isPending ? "Saving…" : "Save changes"}
        busy={update.isPending}
        failure={update.error && readFailure("application.update", update.error)}
        outcome={update.data ? "Saved" : undefined}
        onChange={() => !update.isPending && update.reset()}
        onSubmit={(input) => update.mutate(input)}
      />
      {reauthentication.dialog}
    </>
  );
};

const Delete = ({ application, onDeleted }: Pick<RegisteredProps, "application"> & { onDeleted: () => void }) => {
  const queryClient = useQueryClient();
  const [asking, setAsking] = useState(false);
  const reauthentication = useReauthentication({ purpose: "Deleting an application" });
  const hasGone = () => {
    onDeleted();
    queryClient.setQueryData(trpc.application.list.queryKey(), (list) =>
      list?.filter(({ id }) => id !== application.id),
    );
  };
  const remove = useMutation({
    mutationFn: () =>
      reauthentication.attempt("application.delete", () =>
        client.application.delete.mutate({ applicationId: application.id }),
      ),
    onSuccess(answer) {
      if (answer) hasGone();
    },
    onError(error) {
      // Gone already: that is what was wanted.
      if (readFailure("application.delete", error).code === "APPLICATION_NOT_FOUND") hasGone();
    },
  });
  return (
    <section className={card.card} aria-labelledby="delete-title">
      <h2 id="delete-title" className={card.cardTitle}>
        Delete it
      </h2>
      <p className={styles.sentence}>Everybody who let it in is rid of it at once. There is no way back.</p>
      <div className={styles.submit}>
        <Button variant="default" size="sm" onClick={() => setAsking(true)}>
          Delete {application.name}
        </Button>
      </div>
      {asking && (
        <Question
          title={`Delete ${application.name}?`}
          text="It stops working at once, for everybody who uses it."
          confirmLabel={remove.isPending ? "Deleting…" : "Delete"}
          busy={remove.isPending}
          failure={remove.error && readFailure("application.delete", remove.error)}
          failureKey={remove.submittedAt}
          onConfirm={() => remove.mutate()}
          onCancel={() => setAsking(false)}
        />
      )}
      {reauthentication.dialog}
    </section>
  );
};
