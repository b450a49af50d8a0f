// Owns a repair of `node:cluster`: it forgets a connection that it has handed to a worker which ends before it accepts
// it, and the client waits until it gives up. This reads the messages between `node:cluster` and its workers, which are not
// documented: `test/workers.test.ts` fails if they change.

import type { Worker } from "node:cluster";

/** A part of a message of `node:cluster`. */
interface ClusterMessage {
  /** `newconn`: hands over a connection. */
  readonly act?: string;
  readonly seq?: number;
  /** The `seq` that it answers. */
  readonly ack?: number;
}

/** An ended worker's answers arrive within this time: they are in the memory of this machine. */
const answersArriveMs = 50;

/** Hands connections that this worker has not accepted when it ends to another one. Nothing was read from them yet. */
export const keepHandedConnections = ({ process: child }: Worker): void => {
  const unaccepted = new Set<number>();
  const send = child.send as (message: ClusterMessage, ...rest: unknown[]) => boolean; // `node:cluster` calls it
  child.send = (message: ClusterMessage, ...rest: unknown[]) => {
    if (message.act === "newconn" && message.seq !== undefined) unaccepted.add(message.seq);
    return send.call(child, message, ...rest);
  };
  child.on("internalMessage", ({ ack }: ClusterMessage) => {
    if (ack !== undefined) unaccepted.delete(ack);
  });
  child.once("exit", () => {
    setTimeout(() => {
      for (const ack of unaccepted) child.emit("internalMessage", { cmd: "NODE_CLUSTER", ack, accepted: false });
    }, answersArriveMs);
  });
};
