// Owns the order of roles.

/** Roles are ordered. A role that the contract no longer has includes no other. */
export const includesRole = (roles: readonly string[], role: string, needed: string): boolean =>
  roles.indexOf(role) >= roles.indexOf(needed);
