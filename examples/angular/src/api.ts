import { Injectable, type Signal, signal } from "@angular/core";
import { createClient, type SessionState, sessionOf } from "@lockstep/client";

@Injectable({ providedIn: "root" })
export class Api {
  readonly client = createClient({ url: location.origin, transport: "cookie" });
  readonly session: Signal<SessionState>;

  constructor() {
    const session = sessionOf(this.client);
    const state = signal(session.get());
    session.subscribe(() => state.set(session.get()));
    // A server that does not answer leaves the state `loading`, with the error.
    session.restore().catch(() => {});
    this.session = state;
  }
}
