// Owns the brand of a service. Nothing that is stored or derived depends on it: it may change at any time.

/** The product's name, logo and colours. */
export interface Brand {
  /** The display name: on pages, in mails, and in the API's documentation. */
  readonly name: string;
  /** The logo, as a path below the web app's `public` folder: `/logo.svg`. It is also the icon of the browser's tab. */
  readonly logo?: `/${string}`;
  /**
   * The colour of buttons and links, for each colour scheme. Texts on it, and links, are made readable if it is a hexadecimal
   * colour such as `#0f6b5c`.
   */
  readonly colors?: { readonly light: string; readonly dark: string };
}
