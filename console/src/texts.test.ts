import { expect, test, vi } from "vitest";

vi.hoisted(() => {
  (globalThis as Record<string, unknown>)["localStorage"] = { getItem: () => null, setItem: () => undefined };
});
const { fill, label, t } = await import("./texts");

test("a sentence takes its parameters, and a missing one is seen", () => {
  expect(fill("{a}/{b}", { a: 1 })).toBe("1/⟦b⟧");
  expect(fill("{a}", { a: "" })).toBe("–");
  expect(fill("{a}", { a: "{b}", b: 2 })).toBe("{b}");
});

test("codes have the words that the platform gives them", () => {
  expect(label("action", "acknowledge")).toBe("签收");
  expect(label("action", "no_such")).toBe("no_such");
  expect(t("console.no_such")).toBe("⟦console.no_such⟧");
});
