// Lets a person choose light, dark, or the scheme of their system.

import { type MantineColorScheme, useMantineColorScheme } from "@mantine/core";
import { layoutWords } from "../words/shared.ts";
import { useWords } from "../words/words.ts";
import styles from "./color-scheme-choice.module.css";

const schemes = ["auto", "light", "dark"] as const satisfies readonly MantineColorScheme[];

/** A choice of the colour scheme, for the footer of the shell. */
export const ColorSchemeChoice = () => {
  const { colors, colorSchemes } = useWords("layout", layoutWords);
  // Transitions stay on: Mantine would switch them off by a style element, which the content security policy forbids.
  const { colorScheme, setColorScheme } = useMantineColorScheme({ keepTransitions: true });
  return (
    <fieldset className={styles.choices}>
      <legend className={styles.legend}>{colors}</legend>
      {schemes.map((scheme) => (
        <label key={scheme} className={styles.choice}>
          <input
            type="radio"
            name="color-scheme"
            className={styles.input}
            value={scheme}
            checked={colorScheme === scheme}
            onChange={() => setColorScheme(scheme)}
          />
          {colorSchemes[scheme]}
        </label>
      ))}
    </fieldset>
  );
};
