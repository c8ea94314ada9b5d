import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { paced } from "./paced";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("a storm of wishes is two pieces of work: the first, and the last wish", async () => {
  const done: number[] = [];
  const wish = paced(async (n: number) => void done.push(n), 500);
  for (let n = 0; n < 100; n++) wish(n);
  await vi.advanceTimersByTimeAsync(0);
  expect(done).toEqual([0]);
  await vi.advanceTimersByTimeAsync(2000);
  expect(done).toEqual([0, 99]);
});

test("work that fails does not end the work", async () => {
  let calls = 0;
  const wish = paced(async () => {
    calls += 1;
    if (calls === 1) throw new Error("no");
  }, 100);
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  wish(undefined);
  await vi.advanceTimersByTimeAsync(200);
  wish(undefined);
  await vi.advanceTimersByTimeAsync(200);
  expect(calls).toBe(2);
});
