import { readdirSync } from "node:fs";
import { constants, getPriority } from "node:os";
import { describe, expect, it } from "vitest";
import { lowerPoolPriority } from "./pool-priority.ts";

describe.runIf(process.platform === "linux")("the priority of the thread pool", () => {
  it("is below that of the event loop, for each thread of the pool and for no other", async () => {
    const lowered = await lowerPoolPriority();
    expect(lowered.length).toBeGreaterThanOrEqual(Number(process.env["UV_THREADPOOL_SIZE"] ?? 4));
    for (const id of lowered) expect(getPriority(id)).toBe(constants.priority.PRIORITY_BELOW_NORMAL);
    const others = readdirSync("/proc/self/task").filter((id) => !lowered.includes(Number(id)));
    expect(others).toContain(String(process.pid));
    for (const id of others) expect(getPriority(Number(id))).toBe(getPriority());
  });
});
