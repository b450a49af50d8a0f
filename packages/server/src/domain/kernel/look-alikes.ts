// Owns which texts look alike: those with the same form in plain letters. @see Unicode Technical Standard 39 §4

/** Small capitals, which the standard does not map to letters. Some Cyrillic and Greek letters map to them. */
const smallCapitals = { from: "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋĸʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", to: "abcdefghijkklmnoprstuvwyz" };
const smallCapital = (letter: string): string => smallCapitals.to[smallCapitals.from.indexOf(letter)] ?? letter;

/** Six thousand characters: loaded when the first name is compared. */
export const loadLookAlikes = async () => {
  const { default: withoutLookAlikes } = await import("unhomoglyph");
  return {
    /**
     * The forms of a text in plain letters: of the text as it is, and in lower case, whose letters resemble others. A
     * username is in lower case, so it has one form.
     */
    lookAlikeForms(text: string): string[] {
      const plain = text.normalize("NFKD").replace(/\p{M}/gu, "");
      return [...new Set([plain, plain.toLowerCase()])].map((form) =>
        Array.from(withoutLookAlikes(form).normalize("NFKD").replace(/\p{M}/gu, ""), (each) => smallCapital(each))
          .join("")
          .toLowerCase(),
      );
    },
  };
};
