// Owns the procedures of signing up, recovering an account, changing the address that signs in, and of the export and
// deletion of an account.

import { engine, type ProofPurpose } from "@lockstep/kit";
import type { CodeSignIn } from "../domain/accounts/code-sign-in.ts";
import type { DataExport } from "../domain/accounts/data-export.ts";
import type { Deletions } from "../domain/accounts/deletion.ts";
import type { EmailChanges } from "../domain/accounts/email-change.ts";
import type { Asker } from "../domain/accounts/proof-requests.ts";
import type { Proof, Proofs } from "../domain/accounts/proofs.ts";
import type { Recovery } from "../domain/accounts/recovery.ts";
import type { Registrations } from "../domain/accounts/registration.ts";
import type { Admission } from "../domain/admission/admission.ts";
import type { Sessions } from "../domain/sessions/sessions.ts";
import { askerFor, askerOf } from "./askers.ts";
import { assertTransport, deviceTokenOf, signInAnswer } from "./signed-in.ts";
import { implement } from "./trpc.ts";

export const accountProcedures = ({
  admission,
  registrations,
  recovery,
  codeSignIn,
  emailChanges,
  deletions,
  dataExport,
  proofs,
  sessions,
}: {
  admission: Admission;
  registrations: Registrations;
  recovery: Recovery;
  codeSignIn: CodeSignIn;
  emailChanges: EmailChanges;
  deletions: Deletions;
  dataExport: DataExport;
  proofs: Proofs;
  sessions: Sessions;
}) => {
  const again: Readonly<Record<ProofPurpose, ((proof: Proof, asker: Asker) => Promise<{ proofId: string }>) | null>> = {
    sign_up: ({ email }, asker) => registrations.request({ email: email ?? "", ...asker }),
    sign_in: codeSignIn.requestAgain,
    recovery: recovery.requestAgain,
    email_change: emailChanges.requestAgain,
    // Sent once, with what they undo.
    email_undo: null,
    deletion_cancel: null,
  };

  return {
    register: implement(engine.account.register).handle(async ({ ctx, input: { email, transport, solution } }) => {
      await admission.admit({ kind: "sign_up", by: "code", login: email, solution, source: ctx.source });
      return registrations.request({ email, ...askerFor(proofs, transport, ctx) });
    }),

    completeRegistration: implement(engine.account.completeRegistration).handle(async ({ ctx, input }) => {
      const { transport, username = null, ...given } = input;
      assertTransport(transport, ctx);
      const replaces = transport === "cookie" ? await sessions.findByRefreshToken(ctx.cookies.refreshToken) : null;
      const asker = askerOf(ctx);
      const outcome = await registrations.complete({ ...given, username, replaces, ...asker });
      return signInAnswer(outcome, asker.browser, transport, ctx);
    }),

    recover: implement(engine.account.recover).handle(async ({ ctx, input: { login, transport, solution } }) => {
      await admission.admit({ kind: "recover", by: "code", login, solution, source: ctx.source });
      return recovery.request({ login, ...askerFor(proofs, transport, ctx) });
    }),

    resetPassword: implement(engine.account.resetPassword).handle(async ({ ctx, input: { transport, ...given } }) => {
      assertTransport(transport, ctx);
      const { deviceToken } = await recovery.complete({ ...given, ...askerOf(ctx) });
      return deviceTokenOf(deviceToken, transport, ctx);
    }),

    changeEmail: implement(engine.account.changeEmail).handle(({ ctx, input: { email, transport } }) =>
      emailChanges.request({ user: ctx.principal.user, email, ...askerFor(proofs, transport, ctx) }),
    ),

    completeEmailChange: implement(engine.account.completeEmailChange).handle(({ ctx, input }) =>
      emailChanges.complete(ctx.principal, { ...input, ...askerOf(ctx) }),
    ),

    removeEmail: implement(engine.account.removeEmail).handle(({ ctx }) =>
      emailChanges.remove(ctx.principal.user, ctx.source),
    ),

    undoEmailChange: implement(engine.account.undoEmailChange).handle(({ ctx, input: { secret } }) =>
      emailChanges.undo(secret, ctx.source),
    ),

    checkCode: implement(engine.account.checkCode).handle(async ({ ctx, input }) => {
      await proofs.check({ ...input, browser: ctx.cookies.proofSecret }, "sign_up", "recovery");
      return {};
    }),

    export: implement(engine.account.export).handle(({ ctx, input: { cursor = null } }) =>
      dataExport.part(ctx.principal.user.id, cursor, ctx.source),
    ),

    previewDeletion: implement(engine.account.previewDeletion).handle(({ ctx }) =>
      deletions.preview(ctx.principal.user),
    ),

    // A browser keeps its cookie: with it, the pages learn why the session ended.
    delete: implement(engine.account.delete).handle(({ ctx }) => deletions.request(ctx.principal.user, ctx.source)),

    cancelDeletion: implement(engine.account.cancelDeletion).handle(({ ctx, input: { secret } }) =>
      deletions.cancel(secret, ctx.source),
    ),

    resendProof: implement(engine.account.resendProof).handle(async ({ ctx, input: { proofId }, refuse }) => {
      const asker = askerOf(ctx);
      const proof = await proofs.find(proofId, asker.browser);
      const request = again[proof.purpose] ?? refuse("PROOF_REFUSED", { reason: "expired", triesLeft: 0 });
      // Whoever asked without a cookie is recognised by the next ID.
      return request(proof, proof.browserBound ? askerFor(proofs, "cookie", ctx) : { ...asker, browser: null });
    }),

    readProof: implement(engine.account.readProof).handle(({ ctx, input: { secret } }) =>
      proofs.read(secret, ctx.cookies.proofSecret),
    ),
  };
};
