// Owns the language that times, numbers and lists are written in.

import { useWords } from "./words.ts";

/** As a BCP 47 tag. */
export const useLanguage = (): string => useWords("language", "en");
