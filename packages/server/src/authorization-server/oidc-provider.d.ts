// Declares what the library's types leave out.

declare module "oidc-provider/lib/helpers/challenge.js" {
  // biome-ignore lint/style/noDefaultExport: the library has a default export
  export default class ServerChallenge {
    constructor(secret: Buffer, info: string);
    nextChallenge(): string;
    checkChallenge(challenge: string): boolean;
  }
}
