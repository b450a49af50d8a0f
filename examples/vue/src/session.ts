import { sessionOf } from "@lockstep/client";
import { readonly, shallowRef } from "vue";
import { api } from "./api.ts";

const session = sessionOf(api);
const state = shallowRef(session.get());
session.subscribe(() => {
  state.value = session.get();
});
session.restore().catch(() => {});

export const useSession = () => readonly(state);
