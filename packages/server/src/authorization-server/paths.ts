// Owns the paths of the authorization server, by the library's names for them. The library owns the well-known ones.

export const paths = {
  authorization: "/authorize",
  token: "/token",
  userinfo: "/userinfo",
  jwks: "/jwks",
  introspection: "/introspect",
  revocation: "/revoke",
  registration: "/register",
  pushed_authorization_request: "/par",
  device_authorization: "/device/authorize",
  code_verification: "/device",
  end_session: "/logout",
} as const;
