// Owns what a client that nobody vouches for must not be called: the product's own name, also in letters that look like
// it (Unicode Technical Standard 39 §4), that it is verified, or anything with a badge. What no name may contain at all:
// the contract's `displayName`.

/** Marks that could be taken for one of ours: symbols and emoji, but for those on a keyboard and in trade names. */
const badge = /(?![\p{ASCII}©®™°])[\p{So}\p{Sk}\p{Me}\p{Extended_Pictographic}√]/u;

/** What a page of ours says of clients; no other may say it of itself. */
const claim = "verified";

/** Small capitals, which the standard tells from letters. Cyrillic and Greek letters are shown as some of them. */
const smallCapitals = { from: "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋĸʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", to: "abcdefghijkklmnoprstuvwyz" };
const smallCapital = (letter: string): string => smallCapitals.to[smallCapitals.from.indexOf(letter)] ?? letter;

/** Shorter ones stand within too many other words. */
const leastWithin = 6;

/** Why a client cannot be called so, in a sentence; `null`: it can. */
export const clientNameProblem = async (name: string, productName: string): Promise<string | null> => {
  if (badge.test(name)) return "Must not contain symbols or emoji";
  // Six thousand characters, loaded when somebody registers a client.
  const { default: withoutLookAlikes } = await import("unhomoglyph");

  /** What it looks like, told by letters alone; as it stands, and in small letters, which look like other ones. */
  const skeletons = (text: string) => {
    const plain = text.normalize("NFKD").replace(/\p{M}/gu, "");
    return [plain, plain.toLowerCase()].map((form) =>
      Array.from(withoutLookAlikes(form).normalize("NFKD").replace(/\p{M}/gu, ""), (each) => smallCapital(each))
        .join("")
        .toLowerCase(),
    );
  };

  const says = (word: string) => {
    const words = skeletons(word);
    return skeletons(name).some((form) => words.some((each) => contains(form, each)));
  };
  if (says(productName)) return `Must not contain the name of this service, ${productName}, or look like it`;
  if (says(claim)) return "Must not say that it is verified";
  return null;
};

/** Whether words that follow one another spell it, or a long one is part of a word. */
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
