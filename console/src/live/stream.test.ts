import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Stream, type Source } from "./stream";

class Fake implements Source {
  readyState = 0;
  closed = false;
  private readonly listeners = new Map<string, ((event: MessageEvent) => void)[]>();
  constructor(readonly url: string) {}
  addEventListener(type: string, listener: (event: MessageEvent) => void): void {
    this.listeners.set(type, [...(this.listeners.get(type) ?? []), listener]);
  }
  close(): void {
    this.closed = true;
  }
  say(type: string, id = "", data = "{}"): void {
    this.listeners.get(type)?.forEach((tell) => tell({ data, lastEventId: id } as MessageEvent));
  }
}

function make(allowed?: () => Promise<boolean>) {
  const made: Fake[] = [];
  const links: boolean[] = [];
  const events: string[] = [];
  const stream = new Stream({
    url: (after) => `/events?after=${after ?? ""}`,
    names: ["ready", "changed", "ping"],
    onEvent: (name, _, id) => void events.push(`${name}${id}`),
    onLink: (alive) => void links.push(alive),
    allowed,
    silence: 10_000,
    open: (url) => {
      const one = new Fake(url);
      made.push(one);
      return one;
    },
  });
  stream.start();
  return { stream, made, links, events, last: () => made[made.length - 1]! };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("after an error that EventSource would not survive it is opened again from the last position", async () => {
  const { made, last, links, events } = make();
  last().say("ready", "5");
  last().say("changed", "7");
  last().say("error");
  expect(last().closed).toBe(true);
  expect(links).toEqual([true, true, false]);
  await vi.advanceTimersByTimeAsync(400);
  expect(made.length).toBe(2);
  expect(last().url).toBe("/events?after=7");
  last().say("changed", "8");
  expect(events).toEqual(["ready5", "changed7", "changed8"]);
});

test("a link that says nothing counts as lost", async () => {
  const { made, last, links } = make();
  last().say("ready", "1");
  await vi.advanceTimersByTimeAsync(9_000);
  last().say("ping", "1");
  await vi.advanceTimersByTimeAsync(9_000);
  expect(made.length).toBe(1);
  await vi.advanceTimersByTimeAsync(1_500);
  expect(made[0]!.closed).toBe(true);
  expect(links[links.length - 1]).toBe(false);
  expect(made.length).toBe(2);
});

test("attempts come slower and slower, and at once again after a success", async () => {
  const { made, last } = make();
  for (let n = 0; n < 12; n++) {
    last().say("error");
    await vi.advanceTimersByTimeAsync(9_500);
  }
  expect(made.length).toBe(13);
  last().say("error");
  await vi.advanceTimersByTimeAsync(6_000);
  expect(made.length).toBe(13);
  await vi.advanceTimersByTimeAsync(4_000);
  last().say("ready", "1");
  const before = made.length;
  last().say("error");
  await vi.advanceTimersByTimeAsync(400);
  expect(made.length).toBe(before + 1);
});

test("without a session it waits for the next sign-in", async () => {
  let signed = false;
  const { made, last, stream } = make(async () => signed);
  last().say("error");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(made.length).toBe(1);
  signed = true;
  stream.restart();
  await vi.advanceTimersByTimeAsync(0);
  expect(made.length).toBe(2);
});

test("what a stream says after it was given up is not heard", async () => {
  const { made, events } = make();
  made[0]!.say("error");
  made[0]!.say("changed", "9");
  expect(events).toEqual([]);
});
