// Owns how a sign-in through an identity provider is refused. It ends as a page in the browser, not as an error of the
// contract.

import type { LoginProblem } from "@lockstep/kit";

/** A sign-in or a link was refused. */
export class LoginRefusal extends Error {
  override readonly name = "LoginRefusal";
  /** The reason that the person sees. */
  readonly problem: LoginProblem;
  /** The account concerned, when it is known. */
  readonly userId: string | null;
  /** The secret of a link with which the person can cancel the deletion of the account. */
  readonly cancelSecret: string | null;

  /** @param reason for the log and the audit log; never contains a token, a code or a secret */
  constructor(problem: LoginProblem, reason: string, userId: string | null = null, cancelSecret: string | null = null) {
    super(reason);
    this.problem = problem;
    this.userId = userId;
    this.cancelSecret = cancelSecret;
  }
}
