// Owns the part of Mantine's theme that has to be in code. Colours, type and spacing are in `styles/theme.css`.

import { colorsTuple, createTheme } from "@mantine/core";

export const mantineTheme = createTheme({
  primaryColor: "accent",
  // The stylesheet has the values, one set for each scheme. Components need only the name.
  colors: { accent: colorsTuple("var(--mantine-color-accent-filled)") },
  components: {
    TextInput: { defaultProps: { size: "md", withAsterisk: false } },
    PasswordInput: { defaultProps: { size: "md", withAsterisk: false } },
    Button: { defaultProps: { size: "md" } },
  },
});
