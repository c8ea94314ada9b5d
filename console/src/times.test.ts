import { expect, test } from "vitest";
import { clockTime, dayTime, left, ms, span } from "./times";

const at = ms("2026-05-28T20:26:40Z");

test("moments are shown on the wall's clock in China, whatever the machine's zone", () => {
  expect(clockTime(at)).toBe("04:26:40");
  expect(dayTime(at, at)).toBe("05-29 04:26");
  expect(dayTime(at, ms("2027-01-02T00:00:00Z"))).toBe("2026-05-29 04:26");
  expect(clockTime(NaN)).toBe("–");
});

test("spans are read at a glance", () => {
  expect([span(5), span(245), span(3723), span(200_000)]).toEqual(["0:05", "4:05", "1:02:03", "2d 07:33"]);
});

test("what is left is calm, soon, over", () => {
  expect(left(at + 600_000, at, 1200).state).toBe("calm");
  expect(left(at + 200_000, at, 1200).state).toBe("soon");
  expect(left(at + 59_000, at).state).toBe("soon");
  expect(left(at - 1_000, at)).toMatchObject({ state: "over", text: "+0:01", seconds: -1 });
});
