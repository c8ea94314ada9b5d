/** The server's time: every countdown on the screen hangs on it, never on the clock of this machine. */
import { readonly, ref } from "vue";

const difference = ref(0);
const ticking = ref(Date.now());
let least = Infinity;

/** Milliseconds since 1970 as the server counts, renewed every second. */
export const now = readonly(ticking);

/** Take over the server's `at`; `took` is how long its answer was under way, in milliseconds. */
export function heard(at: number, took = 0): void {
  if (!Number.isFinite(at)) return;
  // The answer that was under way for the shortest time says it best; it is forgotten slowly.
  if (took > least * 2 && took > 250) return;
  least = Math.min(took, least + 5);
  difference.value = at + took / 2 - Date.now();
  ticking.value = Date.now() + difference.value;
}

export function serverNow(): number {
  return Date.now() + difference.value;
}

export function startClock(): void {
  setInterval(() => (ticking.value = serverNow()), 1000);
}
