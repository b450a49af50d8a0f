// Owns the compile error of a project without zod 4. There, compilers that skip the checks of libraries would take every
// type that comes from zod for `any`, and report nothing.

import type { z } from "zod";

/**
 * `T` if zod 4 is installed; otherwise a sentence, which nothing can be assigned to and which the compiler then prints.
 * @internal
 */
export type WithZod<T> = keyof z.core.SomeType extends "_zod"
  ? T
  : "Install zod 4. The types of the contract come from it; without it, they are all `any`.";
