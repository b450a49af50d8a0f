// Lets a person choose light, dark, or what their system says.

import { type MantineColorScheme, useMantineColorScheme } from "@mantine/core";
import styles from "./color-scheme-choice.module.css";

const choices = [
  ["auto", "System"],
  ["light", "Light"],
  ["dark", "Dark"],
] as const satisfies readonly (readonly [MantineColorScheme, string])[];

export const ColorSchemeChoice = () => {
  // Transitions stay on: switching them off would write a style element into the page.
  const { colorScheme, setColorScheme } = useMantineColorScheme({ keepTransitions: true });
  return (
    <fieldset className={styles.choices}>
      <legend className={styles.legend}>Colours</legend>
      {choices.map(([value, label]) => (
        <label key={value} className={styles.choice}>
          <input
            type="radio"
            name="color-scheme"
            className={styles.input}
            value={value}
            checked={colorScheme === value}
            onChange={() => setColorScheme(value)}
          />
          {label}
        </label>
      ))}
    </fieldset>
  );
};
