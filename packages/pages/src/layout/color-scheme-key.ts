/** The key in the browser's local storage. */
export const colorSchemeKey = "color-scheme";
