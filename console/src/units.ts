/** A figure as people read it: no more digits than it has meaning. */
export function figure(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : 2;
  return String(Number(value.toFixed(digits)));
}

/** Bits of a reading's quality, as the platform counts them; 0 is good. */
export const QUALITIES: readonly [number, string][] = [
  [1, "nan"],
  [2, "out_of_range"],
  [4, "conflict"],
  [8, "too_late"],
  [16, "duplicate"],
  [32, "future"],
];
