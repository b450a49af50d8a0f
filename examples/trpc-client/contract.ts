// The operations that every backend has. In your project, import `AppRouter` from your contract package instead.

import { composeContract, type RouterOf } from "@lockstep/kit";

const contract = composeContract({ features: [] });

export type AppRouter = RouterOf<typeof contract>;
