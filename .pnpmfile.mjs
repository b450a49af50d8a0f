// The Node packages write `os` and `cpu` as plain strings, which pnpm ignores: a Mac would get a Linux binary.
export const hooks = {
  readPackage: (pkg) =>
    /^node-linux-/.test(pkg.name) ? { ...pkg, os: ["linux"], cpu: [pkg.name.slice(11)], libc: ["glibc"] } : pkg,
};
