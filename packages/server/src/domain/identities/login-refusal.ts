// Owns how a sign-in through a provider is refused. It ends in the browser, as a page: not as an error of the contract.

import type { LoginProblem } from "@lockstep/kit";

/** Nobody is signed in, and nothing is linked. */
export class LoginRefusal extends Error {
  override readonly name = "LoginRefusal";
  /** What the person is told. */
  readonly problem: LoginProblem;
  /** Whose account it is about, when that is known. */
  readonly userId: string | null;

  /** @param reason for the log and the audit trail: never a token, a code or a secret. */
  constructor(problem: LoginProblem, reason: string, userId: string | null = null) {
    super(reason);
    this.problem = problem;
    this.userId = userId;
  }
}
