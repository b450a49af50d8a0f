// Owns the language that times, numbers and lists are written in.

import { useWords } from "./words.ts";

/** The language of the texts, as a BCP 47 tag. */
export const useLanguage = (): string => useWords("language", "en");
