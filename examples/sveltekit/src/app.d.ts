import type { Client, User } from "@lockstep/client";

declare global {
  namespace App {
    interface Locals {
      /** Calls as the user of this request. */
      api: Client;
      /** `null`: no user is signed in. */
      user: User | null;
    }
  }
}
