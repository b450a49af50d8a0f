/** The server or a command cannot run for a reason that its operator can fix. One sentence says how. */
export class StartError extends Error {
  override readonly name = "StartError";
}
