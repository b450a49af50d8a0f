export const exitCodes = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** A command failed for a reason that its user can fix. The message is one sentence. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly exitCode: number;

  constructor(message: string, exitCode: number = exitCodes.failed) {
    super(message);
    this.exitCode = exitCode;
  }
}
