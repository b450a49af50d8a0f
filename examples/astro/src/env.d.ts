declare namespace App {
  interface Locals {
    /** Calls as the user of this request. */
    api: import("@lockstep/client").Client;
    /** `null`: no user is signed in. */
    user: import("@lockstep/client").User | null;
  }
}
