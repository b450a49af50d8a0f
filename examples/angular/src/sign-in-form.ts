import { Component, inject, signal } from "@angular/core";
import { FormsModule } from "@angular/forms";
import { errorOf } from "@lockstep/client";
import { Api } from "./api";

@Component({
  selector: "app-sign-in-form",
  imports: [FormsModule],
  template: `
    <h1>Sign in</h1>
    <form (ngSubmit)="signIn()">
      <label>Username <input name="username" [(ngModel)]="username" autocomplete="username" required /></label>
      <label>
        Password
        <input name="password" type="password" [(ngModel)]="password" autocomplete="current-password" required />
      </label>
      <button>Sign in</button>
      <p role="alert">{{ problem() }}</p>
    </form>
  `,
})
export class SignInForm {
  private readonly client = inject(Api).client;
  protected readonly username = signal("");
  protected readonly password = signal("");
  protected readonly problem = signal("");

  protected async signIn() {
    this.problem.set("");
    try {
      await this.client.auth.login.mutate({ username: this.username(), password: this.password() });
    } catch (thrown) {
      const error = errorOf("auth.login", thrown); // the union of the errors that this operation declares
      if (error?.code === "INVALID_CREDENTIALS") this.problem.set("The username or the password is wrong.");
      else if (error?.code === "TOO_MANY_ATTEMPTS")
        this.problem.set(`Too many attempts. Try again in ${error.details.retryAfterSeconds} seconds.`);
      else throw thrown;
    }
  }
}
