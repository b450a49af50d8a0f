import { Component, DestroyRef, inject, resource, signal } from "@angular/core";
import type { SessionEvent } from "@lockstep/client";
import { Api } from "./api";

@Component({
  selector: "app-account-page",
  template: `
    <h1>{{ user.value()?.fullName }}</h1>
    <button (click)="user.reload()">Read again</button>
    <button (click)="client.auth.logout.mutate()">Sign out</button>
    <h2 id="events">Changes of your sessions</h2>
    <ul aria-labelledby="events">
      @for (event of events(); track $index) {
        <li>{{ event.type }}</li>
      }
    </ul>
  `,
})
export class AccountPage {
  protected readonly client = inject(Api).client;
  protected readonly user = resource({
    loader: ({ abortSignal }) => this.client.user.me.query(undefined, { signal: abortSignal }),
  });
  protected readonly events = signal<readonly SessionEvent[]>([]);

  constructor() {
    // Reconnects by itself. When the session ends, the stream ends too, and the sign-in form replaces this page.
    const watching = this.client.session.events.subscribe(undefined, {
      onData: (event) => this.events.update((before) => [...before, event]),
    });
    inject(DestroyRef).onDestroy(() => watching.unsubscribe());
  }
}
