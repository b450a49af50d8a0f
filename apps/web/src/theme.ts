// Owns what components take from the theme in code. Colours, type and spacing are in `styles/theme.css`.

import { colorsTuple, createTheme } from "@mantine/core";

// The stylesheet has the values, one set for each scheme; components only need the name.
const pine = colorsTuple("var(--mantine-color-pine-filled)");

export const theme = createTheme({
  primaryColor: "pine",
  colors: { pine },
  components: {
    TextInput: { defaultProps: { size: "md", withAsterisk: false } },
    PasswordInput: { defaultProps: { size: "md", withAsterisk: false } },
    Button: { defaultProps: { size: "md" } },
  },
});
