// Owns the session in Vue: whether a user is signed in, for components.

import {
  getCurrentInstance,
  getCurrentScope,
  onMounted,
  onScopeDispose,
  type ShallowRef,
  shallowReadonly,
  shallowRef,
} from "vue";
import { sessionOf } from "./client.ts";
import type { SessionState } from "./session.ts";

export type { SessionState } from "./session.ts";

/**
 * Returns the session of `client` as a ref: whether a user is signed in, which one, or why the session ended. Restores
 * the session. In a component, the state is `loading` until it is mounted, so that server rendering and hydration agree.
 */
export const useSession = (client: object): Readonly<ShallowRef<SessionState>> => {
  const session = sessionOf(client);
  const state = shallowRef<SessionState>({ status: "loading" });
  let stop = () => {};
  const start = () => {
    const update = () => {
      state.value = session.get();
    };
    stop = session.subscribe(update);
    update();
    // A server that cannot be reached leaves the state `loading`, with the error; the next call asks again.
    session.restore().catch(() => {});
  };
  if (getCurrentInstance()) onMounted(start);
  else start();
  if (getCurrentScope()) onScopeDispose(() => stop());
  return shallowReadonly(state);
};
