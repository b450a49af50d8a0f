// Owns the words of the field for a new password.

export const newPasswordWords = {
  hint: (minLength: number): string =>
    `At least ${minLength} characters, of any kind. A few words in a row are enough. Not your name, your address, or a row of keys.`,
  tooShort: (minLength: number): string => `Too short: use at least ${minLength} characters.`,
  tooLong: (maxLength: number): string => `Too long: use at most ${maxLength} characters.`,
  guessable: "Easy to guess. Make it longer.",
  strong: "This looks hard to guess.",
  /** Why it is easy to guess, by zxcvbn's name for it. */
  guessableBecause: {
    straightRow: "Easy to guess: it is a row of keys on the keyboard.",
    keyPattern: "Easy to guess: it is a pattern of keys on the keyboard.",
    simpleRepeat: "Easy to guess: it repeats one character.",
    extendedRepeat: "Easy to guess: it repeats the same few characters.",
    sequences: "Easy to guess: it is a sequence such as abc or 123.",
    recentYears: "Easy to guess: it is made of years.",
    dates: "Easy to guess: it is made of dates.",
    userInputs: "Easy to guess: it is made of your name or address, or of this service’s name.",
  },
};
