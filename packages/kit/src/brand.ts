// Owns the brand of a service. Nothing that is stored or derived depends on it: it may change at any time.

/** What the product is called. */
export interface Brand {
  /** What users read: on pages and consent, in mails, and in the API's documentation. */
  readonly name: string;
}
