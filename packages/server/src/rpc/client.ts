// Owns the procedures with which a developer manages the clients that they registered.

import { engine } from "@lockstep/kit";
import type { Clients, Owner } from "../domain/clients/clients.ts";
import { DomainError } from "../domain/kernel/domain-error.ts";
import type { FirstPartyPrincipal } from "../domain/tokens/guard.ts";
import { implement } from "./trpc.ts";

export const clientProcedures = ({ clients }: { clients: Clients }) => ({
  list: implement(engine.client.list).handle(({ ctx }) => clients.list(ownerIn(ctx.principal))),

  register: implement(engine.client.register).handle(({ ctx, input }) =>
    clients.register(input, ownerIn(ctx.principal), ctx.source),
  ),

  update: implement(engine.client.update).handle(async ({ ctx, input }) => {
    const { clientId, ...change } = input;
    return found(await clients.update(clientId, change, ownerIn(ctx.principal), ctx.source));
  }),

  rotateSecret: implement(engine.client.rotateSecret).handle(async ({ ctx, input }) =>
    found(await clients.rotateSecret(input.clientId, ownerIn(ctx.principal), ctx.source)),
  ),

  delete: implement(engine.client.delete).handle(async ({ ctx, input }) => {
    const deleted = await clients.delete(input.clientId, ownerIn(ctx.principal), ctx.source);
    if (!deleted) throw new DomainError("CLIENT_NOT_FOUND");
    return {};
  }),
});

const ownerIn = ({ user }: FirstPartyPrincipal): Owner => ({ userId: user.id });

const found = <T>(client: T | null): T => {
  if (client === null) throw new DomainError("CLIENT_NOT_FOUND");
  return client;
};
