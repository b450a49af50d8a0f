// Whether somebody is signed in, for components.

import { useSyncExternalStore } from "react";
import { session } from "../backend.ts";

export const useSession = () => useSyncExternalStore(session.subscribe, session.get);
