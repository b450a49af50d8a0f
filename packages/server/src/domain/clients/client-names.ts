// Owns which names unverified clients may not have: the product's own name, also in look-alike letters, a claim to be
// verified, or a badge. What no name may contain at all: the contract's `displayName`.

import { loadLookAlikes } from "../kernel/look-alikes.ts";

/** Symbols and emoji that could be mistaken for a badge of ours, except those of keyboards and trade names. */
const badge = /(?![\p{ASCII}©®™°])[\p{So}\p{Sk}\p{Me}\p{Extended_Pictographic}√]/u;

/** Words that our own pages use about clients. */
const claim = "verified";

/** Shorter names occur within too many other words. */
const leastWithin = 6;

/** Why a client may not have this name, in one sentence; `null`: it may. */
export const clientNameProblem = async (name: string, productName: string): Promise<string | null> => {
  if (badge.test(name)) return "Must not contain symbols or emoji";
  const { lookAlikeForms } = await loadLookAlikes();
  const says = (word: string) => {
    const words = lookAlikeForms(word);
    return lookAlikeForms(name).some((form) => words.some((each) => contains(form, each)));
  };
  if (says(productName)) return `Must not contain the name of this service, ${productName}, or look like it`;
  if (says(claim)) return "Must not say that it is verified";
  return null;
};

/** Whether consecutive words spell the name, or a long name is part of a word. */
const contains = (text: string, word: string): boolean => {
  const words = text.split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  if (word.length >= leastWithin && words.some((each) => each.includes(word))) return true;
  return words.some((_, index) => {
    let spelled = "";
    for (const next of words.slice(index)) {
      spelled += next;
      if (spelled.length >= word.length) return spelled === word;
    }
    return false;
  });
};
