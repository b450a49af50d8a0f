// The words of this app: the texts of its own errors, and replacements for texts of the pages. An error of the contract
// without words does not compile.

import type { Contract } from "@app/contract";
import type { AppWords } from "@lockstep/pages";

export const words: AppWords<Contract["errors"]> = {
  errors: {
    NOTE_NOT_FOUND: { title: "There is no such note", text: "It may have been deleted." },
  },
};
