// The words of this app: what people are told of its own errors, and texts of its own in place of those of the pages. An
// error of the contract that has no words here does not compile.

import type { Contract } from "@app/contract";
import type { AppWords } from "@lockstep/pages";

export const words: AppWords<Contract["errors"]> = {
  errors: {
    NOTE_NOT_FOUND: { title: "There is no such note", text: "It may have been deleted." },
  },
};
