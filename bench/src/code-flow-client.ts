// The client of both authorization servers.

export const codeFlowClient = {
  id: "bench",
  secret: "a secret of the bench, of no use elsewhere",
  redirectUri: "https://photos.example/callback",
};
