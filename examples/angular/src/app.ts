import { Component, inject } from "@angular/core";
import { AccountPage } from "./account-page";
import { Api } from "./api";
import { SignInForm } from "./sign-in-form";

@Component({
  selector: "app-root",
  imports: [AccountPage, SignInForm],
  template: `
    <main>
      @switch (session().status) {
        @case ("signedIn") { <app-account-page /> }
        @case ("signedOut") { <app-sign-in-form /> }
      }
    </main>
  `,
})
export class App {
  protected readonly session = inject(Api).session;
}
