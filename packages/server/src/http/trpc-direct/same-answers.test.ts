// Sends the same requests to both adapters over the same router. Their answers, and the arguments of their hooks, must
// be the same, field by field. A release of tRPC that answers differently fails here.

import { TRPCError } from "@trpc/server";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bothAdapters } from "./testing.ts";

type Both = ReturnType<typeof bothAdapters>;
type Request = Parameters<Both["send"]>[1];

const expectSame = async ({ send }: Both, request: Request) => {
  const official = await send("official", request);
  const direct = await send("direct", request);
  expect(direct.answer).toEqual(official.answer);
  return direct;
};

const post = (path: string, payload: string | Buffer, headers: Record<string, string> = {}): Request => ({
  method: "POST",
  path,
  payload,
  headers: { "content-type": "application/json", ...headers },
});
const input = (value: unknown) => encodeURIComponent(JSON.stringify(value));
const form = '--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n';

/** Settings of the kinds that the engine uses. */
const settings: [name: string, Parameters<typeof bothAdapters>][] = [
  ["no settings", []],
  [
    "an error formatter",
    [{ errorFormatter: ({ shape, ctx, path, type }) => ({ ...shape, data: { ctx, path, type } }) }],
  ],
  [
    "an error formatter with custom statuses",
    [{ errorFormatter: ({ shape }) => ({ ...shape, data: { httpStatus: 418 } }) }],
  ],
  [
    "settings of streams",
    [{ sse: { ping: { enabled: true, intervalMs: 15_000 }, client: { reconnectAfterInactivityMs: 40_000 } } }],
  ],
  ["streams that end at once", [{ sse: { emitAndEndImmediately: true } }]],
  ["no streams", [{ sse: { enabled: false } }]],
  ["batches of two", [{}, { maxBatchSize: 2 }]],
  [
    "headers for the answer",
    [
      {},
      {
        responseMeta: ({ errors, type }) => ({
          headers: {
            vary: "more",
            "cache-control": type === "subscription" ? "no-store, no-transform" : "no-store",
            ...(errors.length > 0 && { "www-authenticate": errors.map(({ code }) => code).join(", ") }),
          },
        }),
      },
    ],
  ],
  [
    "no context",
    [
      {},
      {
        createContext: () => {
          throw new TRPCError({ code: "FORBIDDEN", message: "no context" });
        },
      },
    ],
  ],
  ["a context that fails with something else", [{}, { createContext: async () => Promise.reject("text") }]],
];

/** `direct`: the direct adapter must answer it itself. */
const requests: [what: string, Request, way?: "direct"][] = [
  ["a query", { path: "name" }, "direct"],
  ["a query with input", { path: `echo?input=${input({ a: [1, "ü€😀", null] })}` }, "direct"],
  ["a query of type JSON", { path: "name", headers: { "content-type": "application/json" } }, "direct"],
  ["a mutation", post("add", '{"a":1,"b":2}'), "direct"],
  [
    "a mutation with a charset",
    post("add", '{"a":1,"b":2}', { "content-type": "Application/JSON; charset=utf-8" }),
    "direct",
  ],
  ["a mutation without a body", post("throws.bug", ""), "direct"],
  ["a batch of queries", { path: `echo,name,throws.code?batch=1&input=${input({ 0: 1, 2: "NOT_FOUND" })}` }, "direct"],
  ["a second question mark", { path: `echo??batch=1&input=${input({ 0: 1 })}` }, "direct"],
  ["parameters twice", { path: `echo?input=${input(1)}&input=${input(2)}&batch=0&batch=1` }, "direct"],
  ["a batch of one", { path: `echo?batch=1&input=${input({ 0: 1 })}` }, "direct"],
  ["a batch of mutations", post("add,throws.bug?batch=1", '{"0":{"a":1,"b":2}}'), "direct"],
  ["a batch that fails in one way", { path: "neverReads,neverReads?batch=1&input={" }, "direct"],
  ["a batch that succeeds in part", { path: "name,neverReads?batch=1" }, "direct"],
  ["a batch with input that is no object", { path: "echo?batch=1&input=[1]" }, "direct"],
  ["malformed input", { path: "echo?input={" }, "direct"],
  ["malformed input that nobody reads", { path: "neverReads?input={" }, "direct"],
  ["a malformed body", post("add", "{"), "direct"],
  ["a wrong input", post("add", '{"a":"1"}'), "direct"],
  ["what is no JSON", { path: "circular" }, "direct"],
  ["a wrong output", { path: "wrongOutput" }, "direct"],
  ["an output that is cut", { path: "cut" }, "direct"],
  ["no output", { path: "nothing" }, "direct"],
  ["a date", { path: "when" }, "direct"],
  ["an error of an own shape", { path: "throws.own" }, "direct"],
  ["a query by POST", post("echo", "1")],
  ["a mutation by GET", { path: "add" }],
  ["a batch of three", { path: "name,name,name?batch=1" }],
  ["a batch of queries and mutations", { path: "name,add?batch=1" }],
  ["a batch with an unknown name in it", { path: "name,gone?batch=1" }],
  ["an unknown name", { path: "gone" }],
  ["a name of Object.prototype", { path: "__proto__" }],
  ["a name of a lazy router", { path: "late.echo?input=1" }],
  ["the same again, now that it is loaded", { path: "late.echo?input=1" }],
  ["a broken escape", { path: "%25" }],
  ["a subscription", { path: `ticks?input=${input({ a: 1 })}` }, "direct"],
  ["a subscription that fails", { path: "failing" }, "direct"],
  ["a subscription that is refused", { path: "refused" }, "direct"],
  ["a subscription that gives up", { path: "broken" }, "direct"],
  ["a subscription of what is no JSON", { path: "unreadable" }, "direct"],
  ["a subscription with malformed input", { path: "ticks?input={" }, "direct"],
  ["a subscription after an event", { path: "ticks?lastEventId=7" }],
  ["a subscription after an event, by header", { path: "ticks", headers: { "last-event-id": "7" } }],
  ["a subscription by POST", post("ticks", "1")],
  ["a batch with a subscription in it", { path: "ticks?batch=1" }],
  ["a streamed batch", { path: "later,stream,gone?batch=1", headers: { "trpc-accept": "application/jsonl" } }],
  ["a streamed call", { path: "name", headers: { accept: "text/x, application/jsonl" } }],
  ["a form", post("form", form, { "content-type": "multipart/form-data; boundary=x" })],
  ["bytes", post("bytes", Buffer.from([1, 2, 3]), { "content-type": "application/octet-stream" })],
  ["HEAD", { method: "HEAD", path: "name" }],
  ["PUT", { ...post("add", "{}"), method: "PUT" }],
  ["connection parameters", { path: "name?connectionParams={%22a%22:%22b%22}" }],
  ["connection parameters that are none", { path: "name?connectionParams={" }],
  ["a fragment", { path: "name?input=1#batch=1" }],
  ["no content type", { method: "POST", path: "add" }],
  ["a body that is too large", post("add", " ".repeat(20_000))],
];

const name = fc.constantFrom(
  ...["echo", "add", "nothing", "name", "when", "neverReads", "wrongOutput", "cut", "circular"],
  ...["throws.code", "throws.bug", "throws.text", "throws.nothing", "throws.own", "ticks"],
  ...[
    "failing",
    "refused",
    "unreadable",
    "broken",
    "form",
    "bytes",
    "late.echo",
    "late.gone",
    "throws",
    "gone",
    "__proto__",
    "constructor",
  ],
  ...["a%20b", "echo%2Cname", "%25", "", ".", "echo."],
);
const path = fc.oneof(
  { weight: 3, arbitrary: name },
  fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join(",")),
  // Batches of one kind, which the direct adapter handles.
  fc
    .array(fc.constantFrom("echo", "name", "cut", "neverReads", "throws.code", "circular"), {
      minLength: 1,
      maxLength: 4,
    })
    .map((names) => names.join(",")),
);
const value = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom<fc.JsonValue>("NOT_FOUND", "TOO_MANY_REQUESTS", { a: 1, b: 2 }, { json: 1 }, null),
);
const json = fc.oneof(
  value.map((each) => JSON.stringify(each)),
  fc.array(value, { maxLength: 4 }).map((values) => JSON.stringify({ ...values })),
  fc.constantFrom("", "{", "[1]", "null", "1", '"x"', '{"__proto__":{"0":1}}'),
  fc.string({ maxLength: 10 }),
);
const wellFormedQuery = fc
  .record({
    batch: fc.option(fc.constantFrom("1", "1", "1", "0", "true", ""), { nil: undefined }),
    input: fc.option(json, { nil: undefined }),
    connectionParams: fc.option(fc.constantFrom("{}", "null", '{"a":"b"}', '{"a":1}', "{"), {
      nil: undefined,
      freq: 9,
    }),
    lastEventId: fc.option(fc.constant("7"), { nil: undefined, freq: 9 }),
  })
  .map((given) =>
    new URLSearchParams(
      Object.entries(given).filter((pair): pair is [string, string] => pair[1] !== undefined),
    ).toString(),
  );
/** Parameters twice, in other cases and encodings, and broken ones. */
const oddQuery = fc
  .array(
    fc.constantFrom(
      ...["batch=1", "batch=1", "batch=0", "Batch=1", "b%61tch=1", "batch=%31", "batch=1;input=2", "batch", "=1"],
      ...["input=1", "input={%220%22:1}", "input=%7B%220%22%3A1%7D", "Input=2", "inpu%74=3", "input=%22a+b%22"],
      ...["input=%ZZ", "input=%FF", "input=%22%FF%22", "input=%", "input=%EF%BB%BF1", "input=%00", "input[]=1"],
      ...["input=1?input=2", "input=%22%C0%AF%22", "input=%22\\ud800%22", "&", "?batch=1", "lasteventid=7"],
      ...["connectionparams={}", "connectionParams", "__proto__=1", `input=%22${"x".repeat(5000)}%22`],
    ),
    { minLength: 1, maxLength: 5 },
  )
  .map((parameters) => parameters.join("&"));
const query = fc.oneof({ weight: 2, arbitrary: wellFormedQuery }, oddQuery);
/** A byte order mark, a duplicate key, text after the value, numbers out of range, and bytes that are not UTF-8. */
const oddBody = fc.constantFrom<string | Buffer>(
  ...[
    "\ufeff1",
    '{"0":1,"0":2}',
    '{"0":1} x',
    "1e999",
    '{"a":1e400,"b":-0}',
    '"\\ud800"',
    " 1 ",
    "[]",
    "{}",
    "-",
    "NaN",
  ],
  ...[`${"[".repeat(4000)}${"]".repeat(4000)}`, '{"__proto__":{"a":1,"b":2}}', '{"0":{"a":1,"b":2},"length":1}', "\0"],
  ...[Buffer.from([0x22, 0xff, 0x22]), Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
);
const header = (...values: string[]) => fc.option(fc.constantFrom(...values), { nil: undefined, freq: 3 });
const request = fc.record({
  method: fc.constantFrom("GET", "GET", "GET", "POST", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"),
  path,
  query,
  body: fc.oneof({ weight: 3, arbitrary: json }, oddBody),
  accept: header(
    "*/*",
    "text/event-stream",
    "application/jsonl",
    "text/html, application/jsonl;q=1",
    "application/jsonlines",
    "Application/JSONL",
  ),
  streaming: header("application/jsonl", "application/json", "", "Application/JSONL"),
  contentType: fc.constantFrom(
    "application/json",
    "application/json",
    "Application/JSON ; charset=utf-8",
    "application/json; charset=iso-8859-1",
    "application/json;application/octet-stream",
    "application/json, text/plain",
    "text/plain",
    "multipart/form-data; boundary=x",
    "application/octet-stream",
    "application/jsonx",
    "",
    undefined,
  ),
  encoding: header("gzip", "identity"),
  upperCase: fc.boolean(),
});

const asRequest = ({
  method,
  path,
  query,
  body,
  accept,
  streaming,
  contentType,
  encoding,
  upperCase,
}: Drawn): Request => {
  const headers = { accept, "trpc-accept": streaming, "content-type": contentType, "content-encoding": encoding };
  const sent = Object.entries(headers).filter(([, value]) => value !== undefined);
  return {
    method,
    path: query === "" ? path : `${path}?${query}`,
    headers: Object.fromEntries(sent.map(([name, value]) => [upperCase ? name.toUpperCase() : name, value])),
    ...(method !== "GET" && method !== "HEAD" && { payload: body }),
  };
};
type Drawn = typeof request extends fc.Arbitrary<infer T> ? T : never;

describe.each(settings)("with %s", (_name, [init, options]) => {
  const both = bothAdapters(init, options);

  it.each(requests)("answers %s as the official adapter does", async (_what, given) => {
    await expectSame(both, given);
  });

  it("answers generated requests as the official adapter does", async () => {
    await fc.assert(
      fc.asyncProperty(request, async (drawn) => {
        await expectSame(both, asRequest(drawn));
      }),
      // The same requests each time, so that only a change can make it fail. To search further: more runs, no seed.
      { numRuns: 100, seed: 20261125 },
    );
  });
});

describe("the direct adapter answers itself", () => {
  it.each([...requests].filter(([, , way]) => way === "direct"))("%s", async (_what, given) => {
    expect((await bothAdapters().send("direct", given)).direct).toBe(true);
  });
});
