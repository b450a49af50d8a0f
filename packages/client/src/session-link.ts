// Owns the session's part in each call: sends the access token, stores the answer to a sign-in, and repeats a refused
// call once: with a new token (`session.ts`), or after the user's answer (`prompts.ts`).

import type { Challenge, EngineContract, PathIn, RefreshResult, SessionEndReason, SignedIn, User } from "@lockstep/kit";
import { type Operation, type OperationResultEnvelope, TRPCClientError, type TRPCLink } from "@trpc/client";
import { type Observer, observable, type Unsubscribable } from "@trpc/server/observable";
import type { TRPCErrorResponse } from "@trpc/server/rpc";
import { withDeadline } from "./deadline.ts";
import { type EngineRouter, type RpcFailure, readFailure } from "./errors.ts";
import { type ConsentNeeded, createPrompt, type StepUp } from "./prompts.ts";
import type { Issued, Session } from "./session.ts";
import type { Tokens } from "./tokens.ts";

type Path = PathIn<EngineContract>;

/** Operations that sign in. */
const signIn = [
  "auth.login",
  "auth.completeLogin",
  "auth.loginWithPasskey",
  "auth.loginWithCode",
  "auth.completeEnrolment",
  "account.completeRegistration",
] as const satisfies readonly Path[];

const paths = {
  stepUp: "auth.stepUp",
  reset: "account.resetPassword",
  refresh: "auth.refresh",
  logout: "auth.logout",
  me: "user.me",
  update: "user.update",
} as const satisfies Record<string, Path>;

/** Operations that take a password or a token. The server refuses them in batches. */
export const credentialPaths = [
  ...signIn,
  paths.stepUp,
  paths.refresh,
  paths.reset,
  "auth.issueAccessToken",
  "user.changePassword",
  "user.setPassword",
  "factor.complete",
  "account.checkCode",
  "account.completeEmailChange",
  "account.undoEmailChange",
  "account.cancelDeletion",
] as const satisfies readonly Path[];

/** Operations that answer with tokens. They take none. */
const issuing: ReadonlySet<string> = new Set([...signIn, paths.refresh]);

/** Operations that change the tokens. They run one at a time, so that a late answer never replaces newer tokens. */
const tokenChanging: ReadonlySet<string> = new Set([...issuing, paths.stepUp, paths.logout]);

/** Operations that recognise who called, or make the device known, by a cookie or by what the client keeps. */
const transported: ReadonlySet<string> = new Set([
  ...signIn,
  "auth.requestSignInCode",
  paths.stepUp,
  "account.register",
  "account.recover",
  paths.reset,
  "account.changeEmail",
] satisfies Path[]);

export interface SessionLinkOptions {
  readonly session: Session;
  readonly now: () => number;
  readonly onStepUp: ((event: StepUp) => Promise<boolean>) | undefined;
  readonly onConsentNeeded: ((event: ConsentNeeded) => Promise<boolean>) | undefined;
  readonly onChallenge: ((challenge: Challenge, solve: () => Promise<string>) => Promise<string>) | undefined;
}

/** The link that reads the answers, and the headers of the requests. */
export const createSessionLink = ({ session, now, onStepUp, onConsentNeeded, onChallenge }: SessionLinkOptions) => {
  const solve = (challenge: Challenge): Promise<string> => {
    const load = async () => (await import("./challenge.ts")).solveChallenge(challenge);
    return onChallenge ? onChallenge(challenge, load) : load();
  };
  // A reauthentication is fresh enough for every call, not only for the one that asked for it, if it proved as much.
  const stepUp = createPrompt(
    onStepUp,
    (asked, needed) => asked.factors >= needed.factors && (asked.phishingResistant || !needed.phishingResistant),
  );
  const consent = createPrompt(onConsentNeeded, (asked, needed) =>
    needed.scopes.every((scope) => asked.scopes.includes(scope)),
  );

  // The tokens that each call was sent with. A batch is sent later than its calls are made, so only `headers` knows them.
  const sentWith = new WeakMap<Operation["context"], Tokens>();

  const headers = async (ops: readonly Pick<Operation, "context" | "path">[]): Promise<Record<string, string>> => {
    if (ops.every(({ path }) => issuing.has(path))) return {};
    const tokens = await session.tokens();
    if (!tokens) return {};
    for (const { context } of ops) sentWith.set(context, tokens);
    return { authorization: `Bearer ${tokens.accessToken}` };
  };

  /** Replaces the refused token. `false`: there is no new one. */
  const replace = async (context: Operation["context"]): Promise<boolean> => {
    const sent = sentWith.get(context);
    return sent !== undefined && session.replace(sent.accessToken);
  };

  /**
   * Whether the same user is still signed in: a call is never sent or repeated as another user than the one who was
   * signed in when it was made. `true` when that is not known.
   */
  const sameAs = (before: string | undefined): boolean => {
    const after = session.userId();
    return before === undefined || after === undefined || after === before;
  };

  /**
   * Ends the session of a call that was refused with `SESSION_ENDED`. Waits for its turn: when a sign-in replaces the
   * session, this refusal can arrive before the answer to the sign-in. `false`: a later session has replaced it.
   */
  const endInTurn = (context: Operation["context"], reason: SessionEndReason): Promise<boolean> =>
    session.turn(() => session.end(reason, sentWith.get(context) ?? null));

  /** How the refusals of one call can be remedied. */
  const remediesOf = (op: Operation): Remedies => {
    const { path, context } = op;
    const tried = new Set<string>();
    let sent: { stepUp: number; consent: number; userId?: string | undefined } = { stepUp: 0, consent: 0 };
    return {
      sending() {
        sent = { stepUp: stepUp.moment(), consent: consent.moment(), userId: session.userId() };
      },
      accepted: () => tried.clear(),
      async remedy(refusal) {
        if (refusal.code === "SESSION_ENDED") {
          // `learn` has ended the session of these, within their turn.
          if (tokenChanging.has(path) || (await endInTurn(context, refusal.details.reason))) return false;
        }
        // The server refused before it did anything, so the call is safe to repeat; never twice for the same reason.
        if (tried.has(refusal.code)) return false;
        tried.add(refusal.code);
        switch (refusal.code) {
          case "INVALID_TOKEN":
            return (await replace(context)) && sameAs(sent.userId);
          case "SESSION_ENDED":
            return sameAs(sent.userId);
          case "REAUTHENTICATION_REQUIRED":
            return (await stepUp.answer({ ...refusal.details, path }, sent.stepUp)) && sameAs(sent.userId);
          case "INSUFFICIENT_SCOPE":
            return (await consent.answer({ ...refusal.details, path }, sent.consent)) && sameAs(sent.userId);
          case "CHALLENGE_REQUIRED":
            op.input = { ...(op.input as object), solution: await solve(refusal.details.challenge) };
            return true;
          default:
            return false;
        }
      },
    };
  };

  const withInput = async (op: Operation): Promise<Operation> => {
    if (transported.has(op.path)) return { ...op, input: await session.transportedInput(op.input as object) };
    if (op.path === paths.refresh) return { ...op, input: await session.refreshInput(op.input as object) };
    return op;
  };

  /** Updates the session after the answer to a call. */
  const learn = async (op: Operation, { envelope, error }: Answer, askedAt: number) => {
    const data = envelope && "data" in envelope.result ? envelope.result.data : undefined;
    const sent = sentWith.get(op.context) ?? null;
    // A sign-in that needs a second factor has no tokens yet.
    if (data && op.path !== paths.logout && tokenChanging.has(op.path) && "accessToken" in (data as object))
      await session.keep(data as SignedIn | RefreshResult, askedAt);
    if (data && op.path === paths.reset) await session.keepDevice(data as Pick<Issued, "deviceToken">);
    if (data && op.path === paths.logout) await session.end("signed_out", sent);
    if (data && (op.path === paths.me || op.path === paths.update)) session.updateUser(data as User);
    const failure = readFailure(error);
    if (failure?.code === "SESSION_ENDED" && tokenChanging.has(op.path))
      await session.end(failure.details.reason, sent);
  };

  const link: TRPCLink<EngineRouter> =
    () =>
    ({ op: made, next }) =>
      observable((observer: Observer<Envelope, Failure>) => {
        let gone = false;
        let leave = () => {};

        const send = (op: Operation): Promise<Answer> =>
          new Promise((resolve) => {
            if (gone) return resolve({});
            let envelope: Envelope | undefined;
            let request: Unsubscribable | undefined;
            leave = () => {
              request?.unsubscribe();
              // Ends the turn: others wait for it.
              resolve({});
            };
            request = next(op).subscribe({
              next(value) {
                envelope = value;
                if (op.type === "subscription") observer.next(value);
              },
              error: (error) => resolve({ error }),
              complete: () => resolve({ ...(envelope && { envelope }) }),
            });
          });

        const sendAndLearn = async (op: Operation): Promise<Answer> => {
          const askedAt = now();
          const answer = await send(await withInput(op));
          await learn(op, answer, askedAt);
          return answer;
        };

        const answerTo = async (op: Operation): Promise<Answer> => {
          // A stream prepares the session itself, each time it connects.
          if (op.type === "subscription") return sendAndLearn(op);
          if (!issuing.has(op.path)) {
            const userId = session.userId();
            await until(session.ready(), op.signal);
            if (!sameAs(userId)) throw new Error("Another user has signed in");
          }
          const { sending, remedy } = remediesOf(op);
          for (;;) {
            sending();
            const answer = await (tokenChanging.has(op.path)
              ? // Other calls wait for the turn, so it has a time limit.
                session.turn(() => withDeadline((signal) => until(sendAndLearn(op), signal)))
              : sendAndLearn(op));
            const refusal = readFailure(answer.error);
            if (!refusal || gone) return answer;
            try {
              if (!(await until(remedy(refusal), op.signal))) return answer;
            } catch (error) {
              if (refusal.code === "INVALID_TOKEN" || op.signal?.aborted) throw error;
              return { error: refusedBecause(answer.error, error) };
            }
          }
        };

        // A copy of the context: the caller may pass the same object to many calls.
        answerTo({ ...made, context: { ...made.context } }).then(
          ({ envelope, error }) => {
            if (error) return observer.error(error);
            if (envelope && made.type !== "subscription") observer.next(envelope);
            observer.complete();
          },
          (error: unknown) => observer.error(unanswered(error)),
        );

        return () => {
          gone = true;
          leave();
        };
      });

  return { link, headers, remediesOf };
};

interface Remedies {
  /** Call it when the call is sent. */
  sending(): void;
  /** Call it when a stream was accepted: a later refusal may then be remedied again. */
  accepted(): void;
  /** Remedies a refusal. `true`: make the call again. */
  remedy(refusal: RpcFailure): Promise<boolean>;
}

type Failure = TRPCClientError<EngineRouter>;
type Envelope = OperationResultEnvelope<unknown, Failure>;

interface Answer {
  readonly envelope?: Envelope;
  readonly error?: Failure;
}

/** The final refusal, with the error of the prompt as its cause. */
const refusedBecause = (refusal: Failure | undefined, cause: unknown): Failure =>
  TRPCClientError.from({ error: refusal?.shape } as TRPCErrorResponse, {
    ...(refusal?.meta && { meta: refusal.meta }),
    cause: cause instanceof Error ? cause : new Error(String(cause)),
  });

/** The error of a call that was never sent, because the refresh before it failed. */
const unanswered = (cause: unknown): Failure => {
  const error = cause instanceof Error ? cause : new Error(String(cause));
  // Leave out the error code of the refresh, which this operation does not declare.
  return new TRPCClientError(error.message, { cause: readFailure(error) ? error : ((error.cause as Error) ?? error) });
};

/** Waits for `promise`, or until the caller aborts. */
const until = async <T>(promise: Promise<T>, signal: AbortSignal | null | undefined): Promise<T> => {
  if (!signal) return promise;
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop);
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
};
