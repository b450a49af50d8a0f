// Owns what a person is asked when the server refuses a call until they answer: to prove again who they are, or to
// allow a client more. One question at a time, and one for all calls that wait for the same answer.

/** A call is refused because it has been too long since the person proved who they are. @see RFC 9470 §3 */
export interface StepUp {
  /** How long ago that may be, in seconds. */
  readonly maxAgeSeconds: number;
  /** The operation that was called: the first of those that wait. */
  readonly path: string;
}

/** A call is refused because the person has not allowed the client to do this. @see RFC 6750 §3.1 */
export interface ConsentNeeded {
  /** All that the operation needs. */
  readonly scopes: readonly string[];
  /** The operation that was called: the first of those that wait. */
  readonly path: string;
}

/** A kind of question. */
export interface Prompt<Need> {
  /** Names this moment, from which on a call is on its way. */
  moment(): number;
  /**
   * Asks, unless what is needed was asked and granted since `sent`, or is being asked. `true`: make the call again.
   * Rejects with what the one who asks failed with.
   */
  answer(need: Need, sent: number): Promise<boolean>;
}

/**
 * @param ask puts the question. Left out: nobody does, and each refusal stands
 * @param covers whether a yes to `asked` also gives `needed`
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
