/** What waits for this post's decision beyond its cases: responses, warnings, resources, reports, drafts. */
import { computed, onBeforeUnmount, shallowRef } from "vue";
import { once, Problem } from "../api/ask";
import type { DraftRow, Waiting } from "../api/types";
import { changes, reloads } from "../live/live";
import { onSession } from "../session/store";
import { paced } from "./paced";

export function useWaiting() {
  const decisions = shallowRef<readonly Waiting[]>([]);
  const drafts = shallowRef<readonly DraftRow[]>([]);

  async function load(): Promise<void> {
    const [desk, papers] = await Promise.all([
      quiet(once<{ items: Waiting[] }>("GET", "/desk", { background: true })),
      quiet(once<{ items: DraftRow[] }>("GET", "/mechanisms", { background: true })),
    ]);
    if (desk) decisions.value = desk.items;
    if (papers) drafts.value = papers.items.filter((one) => one.waiting_for_me);
  }
  const renew = paced(() => load(), 1000);
  const ends = [changes(() => renew(undefined)), reloads(() => renew(undefined)), onSession(() => renew(undefined))];
  onBeforeUnmount(() => ends.forEach((end) => end()));
  renew(undefined);
  return { decisions, drafts, count: computed(() => decisions.value.length + drafts.value.length), load };
}

/** What the link has lost is asked again once it is back; until then the page keeps what it had. */
async function quiet<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof Problem && error.status >= 500) console.warn(error.message);
    return null;
  }
}
