// Owns the questions to the user when the server refuses a call: to reauthenticate, or to grant more scopes. Asks one
// question at a time, and asks once for all calls that wait for the same answer.

/** A call was refused because the user has to prove again, or better, who they are. @see RFC 9470 §3 */
export interface StepUp {
  /** How long ago it may have been proved, in seconds. `null`: any time in this session. */
  readonly maxAgeSeconds: number | null;
  /** With how many factors: 1 or 2. A passkey counts as two. */
  readonly factors: number;
  /** Whether only a passkey will do. */
  readonly phishingResistant: boolean;
  /** The operation that was called: the first of those that wait. */
  readonly path: string;
}

/** A call was refused because the user has not granted its scopes. @see RFC 6750 §3.1 */
export interface ConsentNeeded {
  /** All scopes that the operation needs. */
  readonly scopes: readonly string[];
  /** The operation that was called: the first of those that wait. */
  readonly path: string;
}

/** A kind of question. */
export interface Prompt<Need> {
  /** Marks the moment at which a call is sent: pass it to `answer` as `sent`. */
  moment(): number;
  /**
   * Asks the question, unless it was answered with yes since `sent`, or is being asked now. `true`: make the call again.
   * Rejects when `ask` fails.
   */
  answer(need: Need, sent: number): Promise<boolean>;
}

/**
 * @param ask asks the user. `undefined`: every call stays refused
 * @param covers whether a yes to `asked` also answers `needed`
 */
export const createPrompt = <Need>(
  ask: ((need: Need) => Promise<boolean>) | undefined,
  covers: (asked: Need, needed: Need) => boolean,
): Prompt<Need> => {
  let granted = 0;
  let last: Need | undefined;
  let open: { readonly need: Need; readonly answer: Promise<boolean> } | undefined;

  const put = async (question: (need: Need) => Promise<boolean>, need: Need): Promise<boolean> => {
    try {
      const yes = await question(need);
      if (yes) {
        granted++;
        last = need;
      }
      return yes;
    } finally {
      open = undefined;
    }
  };

  return {
    moment: () => granted,
    async answer(need, sent) {
      if (!ask) return false;
      for (;;) {
        if (granted > sent && last !== undefined && covers(last, need)) return true;
        if (!open) break;
        if (covers(open.need, need)) return open.answer;
        await open.answer.catch(() => false);
      }
      open = { need, answer: Promise.resolve().then(() => put(ask, need)) };
      return open.answer;
    },
  };
};
