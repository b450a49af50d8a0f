export const exitCodes = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** Why a command ends before it is done, in one sentence that its user can act on. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly exitCode: number;

  constructor(message: string, exitCode: number = exitCodes.failed) {
    super(message);
    this.exitCode = exitCode;
  }
}
