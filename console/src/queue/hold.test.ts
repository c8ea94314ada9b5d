import { expect, test } from "vitest";
import { hold } from "./hold";

const row = (id: string, level = "III") => ({ id, level });

test("nobody looks: the newest order is shown", () => {
  const newest = [row("b"), row("a")];
  expect(hold([row("a")], newest, false)).toEqual({ shown: newest, fresh: 0, behind: false });
});

test("held: rows stay where they are and take over their new contents", () => {
  const result = hold([row("a"), row("b")], [row("c"), row("b", "I"), row("a")], true);
  expect(result.shown).toEqual([row("a"), row("b", "I")]);
  expect(result.fresh).toBe(1);
  expect(result.behind).toBe(true);
});

test("held: what went stays until it is let go, and is said", () => {
  const result = hold([row("a"), row("b")], [row("b")], true);
  expect(result.shown).toEqual([row("a"), row("b")]);
  expect(result).toMatchObject({ fresh: 0, behind: true });
});

test("held: nothing new is not said to be new", () => {
  expect(hold([row("a"), row("b")], [row("a", "I"), row("b")], true)).toMatchObject({ fresh: 0, behind: false });
});
