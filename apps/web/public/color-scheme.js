// Sets the colour scheme before the first paint, so that the page never flashes in the other one.
// `src/shell/color-scheme.ts` owns the choice; this file only reads what it remembered.

(() => {
  let scheme = null;
  try {
    scheme = localStorage.getItem("lockstep-color-scheme");
  } catch {
    // Storage is closed to this page: the system's scheme it is.
  }
  if (scheme !== "light" && scheme !== "dark") {
    scheme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }
  document.documentElement.dataset.mantineColorScheme = scheme;
})();
