/** States of devices, the worst first, and how each is marked beside its word. */
export const STATES = ["silent", "late", "never", "live"] as const;

const TAGS: Record<string, string> = { silent: "failed", late: "active_ack", live: "delivered" };

export function tagOf(state: string): string {
  return TAGS[state] ?? "";
}

/** A clock that is off by less than this is not worth a word; the platform's own alarm begins at five minutes. */
const WORTH_S = 60;

/** How far a source's clock is off, in whole minutes; positive: behind ours. 0: not worth a word. */
export function minutesOff(seconds: number | null): number {
  if (seconds === null || Math.abs(seconds) < WORTH_S) return 0;
  return Math.trunc(seconds / 60);
}
