// The page of the signed-in user's notes: lists, adds and deletes them.

import { CreateNoteInput, type Note } from "@app/contract/notes";
import {
  Ago,
  CardForm,
  cardClasses,
  FailureNotice,
  type FieldErrors,
  fieldErrorsOf,
  Page,
  Question,
  useForm,
} from "@lockstep/pages/parts";
import { Button, InputBase, Skeleton } from "@mantine/core";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { type ErrorOf, readFailure, trpc } from "../backend.ts";
import styles from "./notes.module.css";

/** What was done last, in either part of the page. */
interface OutcomeProps {
  readonly outcome: "added" | "deleted" | null;
  readonly onOutcome: (outcome: OutcomeProps["outcome"]) => void;
}

export const NotesPage = () => {
  const [outcome, onOutcome] = useState<OutcomeProps["outcome"]>(null);
  return (
    <Page title="Notes" lead="Only you can read your notes, and the apps that you allow to.">
      <NewNote outcome={outcome} onOutcome={onOutcome} />
      <Notes outcome={outcome} onOutcome={onOutcome} />
    </Page>
  );
};

const NewNote = ({ outcome, onOutcome }: OutcomeProps) => {
  const queryClient = useQueryClient();
  const create = useMutation(
    trpc.note.create.mutationOptions({
      onError: (error) => form.refuse(refusedFields(readFailure("note.create", error))),
      onSuccess: () => {
        form.show({ text: "" });
        onOutcome("added");
        return queryClient.invalidateQueries({ queryKey: trpc.note.list.pathKey() });
      },
    }),
  );
  const form = useForm({
    initialValues: { text: "" },
    schema: CreateNoteInput,
    onSubmit: (input) => {
      if (!create.isPending) create.mutate(input);
    },
  });
  const failure = create.error && readFailure("note.create", create.error);
  return (
    <CardForm
      title="New note"
      failure={failure && Object.keys(refusedFields(failure)).length === 0 ? failure : null}
      failureKey={create.submittedAt}
      submitLabel={create.isPending ? "Adding…" : "Add note"}
      busy={create.isPending}
      outcome={outcome === "added" && "Added"}
      onChange={() => {
        create.reset();
        onOutcome(null);
      }}
      onSubmit={form.submit}
    >
      <InputBase
        component="textarea"
        label="Text"
        multiline
        rows={3}
        size="md"
        readOnly={create.isPending}
        {...form.field("text")}
      />
    </CardForm>
  );
};

const refusedFields = (failure: ErrorOf<"note.create">): FieldErrors<{ text: string }> =>
  failure.code === "INVALID_INPUT" ? fieldErrorsOf(failure.details.issues) : {};

const Notes = ({ outcome, onOutcome }: OutcomeProps) => {
  const queryClient = useQueryClient();
  const title = useRef<HTMLHeadingElement>(null);
  const [asking, setAsking] = useState<Note | null>(null);
  const [deletions, setDeletions] = useState(0);
  const list = useInfiniteQuery(
    trpc.note.list.infiniteQueryOptions({}, { getNextPageParam: ({ nextCursor }) => nextCursor }),
  );
  const failure = list.error && readFailure("note.list", list.error);
  const notes = list.data?.pages.flatMap((page) => page.notes);

  const hasBeenDeleted = async () => {
    await queryClient.invalidateQueries({ queryKey: trpc.note.list.pathKey() });
    setAsking(null);
    setDeletions((before) => before + 1);
    onOutcome("deleted");
  };
  // By then, the dialog and the button that opened it are gone.
  useEffect(() => {
    if (deletions > 0) title.current?.focus();
  }, [deletions]);

  return (
    <section className={cardClasses.card} aria-labelledby="notes-title" aria-busy={list.isPending}>
      <h2 id="notes-title" ref={title} tabIndex={-1} className={`${cardClasses.cardTitle} ${styles.title}`}>
        Your notes
      </h2>
      <p role="status" className={styles.fact}>
        {outcome === "deleted" && "The note was deleted."}
      </p>
      {failure && <FailureNotice failure={failure} onRetry={() => void list.refetch()} retrying={list.isFetching} />}
      {!notes && !failure && <Skeleton height="5rem" radius="0.5rem" />}
      {notes?.length === 0 && <p className={styles.fact}>You have no notes yet.</p>}
      {notes && notes.length > 0 && (
        <ul className={styles.notes}>
          {notes.map((note) => (
            <li key={note.id} className={styles.note}>
              <div className={styles.content}>
                <p className={styles.text}>{note.text}</p>
                <p className={styles.fact}>
                  <Ago at={note.createdAt} />
                </p>
              </div>
              <Button
                variant="default"
                size="sm"
                aria-label={`Delete the note “${beginningOf(note)}”`}
                onClick={() => setAsking(note)}
              >
                Delete
              </Button>
            </li>
          ))}
        </ul>
      )}
      {list.hasNextPage && (
        <Button
          variant="default"
          size="sm"
          aria-disabled={list.isFetchingNextPage}
          onClick={() => !list.isFetchingNextPage && void list.fetchNextPage()}
        >
          {list.isFetchingNextPage ? "Loading…" : "Show more"}
        </Button>
      )}
      {asking && <DeleteNote note={asking} onDeleted={hasBeenDeleted} onCancel={() => setAsking(null)} />}
    </section>
  );
};

interface DeleteNoteProps {
  readonly note: Note;
  readonly onDeleted: () => Promise<void>;
  readonly onCancel: () => void;
}

const DeleteNote = ({ note, onDeleted, onCancel }: DeleteNoteProps) => {
  const remove = useMutation(
    trpc.note.delete.mutationOptions({
      onSuccess: onDeleted,
      async onError(error) {
        // It was already deleted, in another window or by an app, which is what the user asked for.
        if (readFailure("note.delete", error).code === "NOTE_NOT_FOUND") await onDeleted();
      },
    }),
  );
  return (
    <Question
      title="Delete this note?"
      text={`“${beginningOf(note)}” is deleted at once. This can’t be undone.`}
      confirmLabel={remove.isPending ? "Deleting…" : "Delete note"}
      busy={remove.isPending}
      failure={remove.error && readFailure("note.delete", remove.error)}
      failureKey={remove.submittedAt}
      onConfirm={() => remove.mutate({ noteId: note.id })}
      onCancel={onCancel}
    />
  );
};

/** The first 40 characters of a note's first line, to distinguish it from others. */
const beginningOf = ({ text }: Note): string => {
  const [line = ""] = text.trim().split("\n");
  const characters = [...line];
  return characters.length > 40 ? `${characters.slice(0, 40).join("")}…` : line;
};
