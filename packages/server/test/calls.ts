// Calls of operations over HTTP, without a socket, as browsers and other programs make them.

import type { OperationIn, PathIn, RpcErrorData } from "@lockstep/kit";
import type { FastifyInstance } from "fastify";
import type { z } from "zod";
import type { fixtureContract } from "../src/fixture-app.ts";

export interface CallOptions {
  readonly token?: string;
  readonly cookies?: Record<string, string>;
  readonly headers?: Record<string, string>;
  /** The source of the call. */
  readonly address?: string;
}

type Path = PathIn<typeof fixtureContract>;
type Input<P extends Path> = z.input<OperationIn<typeof fixtureContract, P>["input"]>;
type Output<P extends Path> = Complete<z.output<OperationIn<typeof fixtureContract, P>["output"]>>;
/** Of a sign-in, the complete one: tests of factors check `status` before they read more. */
export type Complete<Answer> = [Answer] extends [{ status: string }]
  ? Extract<Answer, { status: "signed_in" }>
  : Answer;

export const callsTo = (app: FastifyInstance) => {
  const send = async <P extends Path>(
    method: "GET" | "POST",
    path: P,
    input: unknown,
    { token, cookies, headers, address }: CallOptions,
  ) => {
    const response = await app.inject({
      method,
      url: `/trpc/${path}`,
      headers: {
        ...(method === "POST" && { "content-type": "application/json" }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...headers,
      },
      ...(cookies && { cookies }),
      ...(address !== undefined && { remoteAddress: address }),
      ...(method === "POST" && { payload: input === undefined ? "" : JSON.stringify(input) }),
    });
    const { result, error } = response.json() as { result?: { data: Output<P> }; error?: { data: RpcErrorData } };
    return {
      status: response.statusCode,
      headers: response.headers,
      /** The cookies of `Set-Cookie`, by name. */
      cookies: Object.fromEntries(response.cookies.map((cookie) => [cookie.name, cookie])),
      text: response.body,
      /** The result of the operation; `undefined` when it was refused. */
      data: result?.data as Output<P>,
      error: error?.data,
      code: error?.data.code ?? "OK",
    };
  };
  return {
    query: <P extends Path>(path: P, options: CallOptions = {}) => send(`GET`, path, undefined, options),
    mutate: <P extends Path>(path: P, input: Input<P>, options: CallOptions = {}) => send("POST", path, input, options),
  };
};
