import { describe, expect, it } from "vitest";
import { engines } from "../../test/engines.ts";
import { isSecretOf } from "../domain/clients/clients.ts";
import { openMigratedAdmin } from "./testing.ts";

const redirect = "https://photos.example/callback";

describe.each(engines)("lockstep client on $engine", ({ newDatabase }) => {
  const open = async () => {
    const admin = await openMigratedAdmin(newDatabase);
    const { domain } = await admin.open();
    const create = async (...options: string[]) =>
      JSON.parse(
        (await admin.lockstep(["client", "create", "Photo app", "--redirect", redirect, "--json", ...options])).stdout,
      ) as { id: string; secret: string };
    return { ...admin, domain, create };
  };

  it("registers a client, verified, and shows its secret once", async () => {
    await using admin = await open();
    const { exitCode, stdout, stderr } = await admin.lockstep([
      ...["client", "create", "Photo app", "--redirect", redirect, "--scope", "profile:read", "photos:read"],
    ]);
    const [, id = "", secret = ""] = /^client_id {6}(\S+)\nclient_secret {2}(\S{43})\n$/.exec(stdout) ?? [];
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(await admin.domain.clients.find(id)).toMatchObject({
      name: "Photo app",
      kind: "web",
      verified: true,
      redirectUris: [redirect],
      scopes: ["profile:read", "photos:read"],
    });
    const stored = await admin.domain.clients.registrationOf(id);
    expect(stored?.secretHash).not.toBe(secret);
    expect(isSecretOf(stored?.secretHash ?? "", secret)).toBe(true);
    for (const command of ["list", "show"]) {
      const shown = await admin.lockstep(["client", command, ...(command === "show" ? [id] : [])]);
      expect(shown.stdout).toContain("Photo app");
      expect(shown.stdout).not.toContain(stored?.secretHash);
    }
  });

  it("issues no secret to a client that cannot keep one", async () => {
    await using admin = await open();
    for (const kind of ["browser", "native"]) {
      const { id, secret } = await admin.create("--kind", kind);
      expect(secret).toBeNull();
      const rotated = await admin.lockstep(["client", "rotate-secret", id]);
      expect(rotated).toEqual({
        exitCode: 1,
        stdout: "",
        stderr: expect.stringContaining("This client has no secret."),
      });
    }
  });

  it("[S4] lifts PKCE for one confidential client, and shows what is required instead", async () => {
    await using admin = await open();
    const { id } = await admin.create();
    const may = async () => (await admin.domain.clients.find(id))?.mayOmitPkce;
    const shown = async () => (await admin.lockstep(["client", "show", id])).stdout;
    expect(await shown()).toMatch(/^requires +PKCE$/m);
    await admin.lockstep(["client", "update", id, "--no-pkce"]);
    expect([await may(), await shown()]).toEqual([true, expect.stringMatching(/^requires +nonce$/m)]);
    await admin.lockstep(["client", "update", id, "--name", "Photos"]);
    expect(await may()).toBe(true);
    const publicKind = await admin.lockstep(["client", "update", id, "--kind", "browser"]);
    expect(publicKind).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("--no-pkce") });
    await admin.lockstep(["client", "update", id, "--pkce"]);
    expect(await may()).toBe(false);
    for (const kind of ["browser", "native", "service"]) {
      const created = await admin.lockstep(["client", "create", "X", "--kind", kind, "--no-pkce"]);
      expect(created.exitCode).toBe(2);
    }
  });

  it("[S21] allows one client to use the token endpoint as the audience of its assertions", async () => {
    await using admin = await open();
    const { id } = await admin.create("--jwks-uri", "https://photos.example/jwks");
    const may = async () => (await admin.domain.clients.find(id))?.assertsToTokenEndpoint;
    expect(await may()).toBe(false);
    await admin.lockstep(["client", "update", id, "--assertion-audience", "token-endpoint"]);
    expect(await may()).toBe(true);
    await admin.lockstep(["client", "update", id, "--assertion-audience", "issuer"]);
    expect(await may()).toBe(false);
  });

  it("changes the given options and keeps the others", async () => {
    await using admin = await open();
    const { id } = await admin.create("--scope", "profile:read");
    const other = "https://photos.example/signed-in";
    expect(await admin.lockstep(["client", "update", id, "--redirect", other, "--name", "Photos"])).toEqual({
      exitCode: 0,
      stdout: "Photos is changed.\n",
      stderr: "",
    });
    expect(JSON.parse((await admin.lockstep(["client", "show", id, "--json"])).stdout)).toMatchObject({
      name: "Photos",
      redirectUris: [other],
      scopes: ["profile:read"],
      verified: true,
    });
  });

  it("registers a client with its own key, pushed requests and key-bound tokens", async () => {
    await using admin = await open();
    const keys = "https://photos.example/jwks";
    const { id, secret } = await admin.create("--jwks-uri", keys, "--require-par", "--require-dpop");
    expect(secret).toBeNull();
    const registration = async () => (await admin.domain.clients.registrationOf(id))?.registration;
    expect(await registration()).toMatchObject({
      token_endpoint_auth_method: "private_key_jwt",
      jwks_uri: keys,
      require_pushed_authorization_requests: true,
      dpop_bound_access_tokens: true,
    });
    await admin.lockstep(["client", "update", id, "--no-require-par"]);
    expect(await registration()).not.toHaveProperty("require_pushed_authorization_requests");
    expect(await registration()).toHaveProperty("dpop_bound_access_tokens", true);
  });

  it("verifies a client of another user, and withdraws it", async () => {
    await using admin = await open();
    const { id } = await admin.create();
    expect((await admin.lockstep(["client", "unverify", id])).stdout).toBe("Photo app is no longer verified.\n");
    expect((await admin.domain.clients.find(id))?.verified).toBe(false);
    expect((await admin.lockstep(["client", "verify", id])).stdout).toBe("Photo app is verified.\n");
    expect((await admin.domain.clients.find(id))?.verified).toBe(true);
  });

  it("[S86] allows a client to introspect the tokens of others, and withdraws it", async () => {
    await using admin = await open();
    const may = async (id: string) => (await admin.domain.clients.find(id))?.mayIntrospect;
    const [plain, resourceServer] = [await admin.create(), await admin.create("--introspect")];
    expect([await may(plain.id), await may(resourceServer.id)]).toEqual([false, true]);
    await admin.lockstep(["client", "update", plain.id, "--introspect"]);
    await admin.lockstep(["client", "update", resourceServer.id, "--no-introspect"]);
    expect([await may(plain.id), await may(resourceServer.id)]).toEqual([true, false]);
    await admin.lockstep(["client", "update", plain.id, "--name", "Photos"]);
    expect(await may(plain.id)).toBe(true);
  });

  it("[S21] rotates a secret: the previous one is refused, and neither is stored", async () => {
    await using admin = await open();
    const { id, secret } = await admin.create();
    const rotated = JSON.parse((await admin.lockstep(["client", "rotate-secret", id, "--json"])).stdout);
    const hash = (await admin.domain.clients.registrationOf(id))?.secretHash ?? "";
    expect([isSecretOf(hash, secret), isSecretOf(hash, rotated.secret)]).toEqual([false, true]);
  });

  it("deletes a client", async () => {
    await using admin = await open();
    const { id } = await admin.create();
    expect((await admin.lockstep(["client", "delete", id])).stdout).toBe(
      "Photo app is deleted, with every grant to it.\n",
    );
    expect(await admin.domain.clients.find(id)).toBeNull();
  });

  it.each([
    [["--redirect", "http://photos.example/callback"], /^--redirect: Must begin with https:/],
    [["--redirect", "nonsense"], /^--redirect: Must be an absolute URL/],
    [["--redirect", `${redirect}#x`], /^--redirect: Must be an absolute URL without a fragment/],
    [[], /^--redirect: Enter a redirect URI/],
    [["--kind", "service", "--redirect", redirect], /^--redirect: A service has no redirect URIs/],
    [["--kind", "toaster", "--redirect", redirect], /--kind/],
    [["--scope", "everything", "--redirect", redirect], /--scope/],
    [["--uri", "http://photos.example", "--redirect", redirect], /^--uri: Must begin with https:/],
  ])("reports the error in %j, and registers nothing", async (options, problem) => {
    await using admin = await open();
    const ran = await admin.lockstep(["client", "create", "Photo app", ...options]);
    expect([ran.exitCode, ran.stdout]).toEqual([2, ""]);
    expect(ran.stderr).toMatch(problem);
    expect(await admin.domain.clients.list("operator")).toEqual([]);
  });

  it.each(["show", "update", "verify", "rotate-secret", "delete"])("%s reports an unknown client", async (command) => {
    await using admin = await open();
    expect(await admin.lockstep(["client", command, "nobody"])).toEqual({
      exitCode: 3,
      stdout: "",
      stderr: "There is no client nobody.\n",
    });
  });

  it("are audited, without secrets", async () => {
    await using admin = await open();
    const { id, secret } = await admin.create();
    await admin.lockstep(["client", "verify", id]);
    await admin.lockstep(["client", "rotate-secret", id]);
    await admin.lockstep(["client", "delete", id]);
    const entries = await admin.domain.audit.list({ limit: 10 });
    const ofIt = entries.filter(({ detail }) => detail["client"] === id);
    expect(ofIt.map(({ action }) => action).sort()).toEqual([
      "client.delete",
      "client.register",
      "client.rotate_secret",
      "client.verify",
    ]);
    expect(JSON.stringify(entries)).not.toContain(secret);
  });
});
