/** The server or a command cannot go on, for a reason its operator can mend: one sentence that says how. */
export class StartError extends Error {
  override readonly name = "StartError";
}
