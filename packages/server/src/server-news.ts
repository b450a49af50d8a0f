// Owns what the servers of one database tell each other: session events, and that signing keys have changed. How it gets
// there: `db/news.ts`. A server of another version may tell what this one does not know.

import { SessionEvent } from "@lockstep/kit";
import { z } from "zod";
import type { News } from "./db/news.ts";
import type { SessionEvents } from "./domain/sessions/session-events.ts";

const Piece = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("session"), userId: z.string(), event: SessionEvent }),
  z.object({ kind: z.literal("keys") }),
]);
type Piece = z.infer<typeof Piece>;

export interface ServerNewsOptions {
  readonly news: Pick<News, "tell">;
  readonly events: SessionEvents;
}

export const createServerNews = ({ news, events }: ServerNewsOptions) => {
  const tell = (piece: Piece): void => news.tell(piece);
  events.onEach((userId, event, origin) => {
    if (origin === "here") tell({ kind: "session", userId, event });
  });
  return {
    tellKeysChanged: (): void => tell({ kind: "keys" }),

    /** Acts on what another server told. */
    hear(piece: unknown, { loadKeys }: { readonly loadKeys: () => void }): void {
      const known = Piece.safeParse(piece).data;
      if (known?.kind === "session") events.publish(known.userId, known.event, "elsewhere");
      if (known?.kind === "keys") loadKeys();
    },
  };
};
