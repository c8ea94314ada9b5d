/** The queue: what the list shows, and what calls for the sound whichever page is open. */
import { computed, reactive, ref, shallowRef, watch } from "vue";
import { get, once, Problem, query } from "../api/ask";
import type { Queue, QueueItem } from "../api/types";
import { heard } from "../live/clock";
import { changes, reloads } from "../live/live";
import { call } from "../live/sound";
import { learn } from "../names";
import { onSession, session } from "../session/store";
import { ms } from "../times";
import { paced } from "./paced";
import { askPresence } from "./presence";

export interface Filters {
  level: string;
  hazard: string;
  area: string;
  overdue: boolean;
  mine: boolean;
  closed_hours: number;
}
const PAGE = 100;
const LOOKED_AT = 12;
const LOUD = ["I", "II"];

export const filters = reactive<Filters>({ level: "", hazard: "", area: "", overdue: false, mine: false, closed_hours: 0 });
export const filtered = computed(() => Object.values(filters).some(Boolean));
const whole = shallowRef<Queue | null>(null);
const part = shallowRef<Queue | null>(null);
const pages = ref(1);
export const failed = ref("");

/** What the list shows, in the server's order. */
export const newest = computed<Queue | null>(() => (filtered.value ? part.value : whole.value));
/** Upward reports that are due, most urgent first, whatever the filters. */
export const reports = computed(() =>
  (whole.value?.items ?? [])
    .filter((item) => item.live && item.report)
    .sort((a, b) => (ms(a.report?.due) || Infinity) - (ms(b.report?.due) || Infinity)),
);
export const hazards = computed(() => {
  const found = new Map((whole.value?.items ?? []).map((item) => [item.hazard, item.hazard_name]));
  if (filters.hazard && !found.has(filters.hazard)) found.set(filters.hazard, { zh: filters.hazard, en: filters.hazard });
  return [...found];
});

/** Areas below the city in which something is on the list, each by its name. */
export const areas = computed(() => {
  const found = new Map((whole.value?.items ?? []).flatMap((item) => item.areas.slice(1).map((area) => [area.key, area])));
  return [...found.values()].sort((a, b) => a.key.localeCompare(b.key));
});

/** Cases that sound until somebody signs for or judges them, or silences the sound. */
export function loud(items: readonly QueueItem[]): string[] {
  return items
    .filter((item) => item.live && LOUD.includes(item.level) && !item.alarm.acknowledged && !item.verdict)
    .map((item) => item.id);
}

async function read(of: Partial<Filters>, count: number, background: boolean): Promise<Queue> {
  const items: QueueItem[] = [];
  let after = "";
  for (;;) {
    const path = `/queue${query({ ...of, after, limit: PAGE, persons: true })}`;
    const page: Queue = await (background ? once<Queue>("GET", path, { background }) : get<Queue>(path));
    heard(ms(page.now), 300);
    items.push(...page.items);
    page.items.forEach(learnFrom);
    after = page.next;
    if (!after || items.length >= count * PAGE) return { ...page, items };
  }
}

function learnFrom(item: QueueItem): void {
  learn(item.asset, item.asset_name);
  learn(item.lead, item.lead_name);
  learn(item.report?.recipient, item.report?.recipient_name);
  for (const wait of item.waits) {
    learn(wait.unit, wait.unit_name);
    learn(wait.post, wait.post_title);
    learn(wait.person, wait.person_name);
  }
}

/** The case's row, where the list knows it. */
export function rowOf(id: string): QueueItem | undefined {
  return whole.value?.items.find((item) => item.id === id);
}

/** Other cases that are open, to be merged into. */
export function openCases(but: string): QueueItem[] {
  return (whole.value?.items ?? []).filter((item) => item.live && item.id !== but);
}

/** What waits for this post's word on a case: approvals, duty questions, requests for help. */
const DECIDING = ["approve", "decide_duty", "answer_help"];
export const asked = computed(() =>
  (whole.value?.items ?? []).flatMap((item) =>
    item.waits
      .filter((wait) => DECIDING.includes(wait.action) && wait.post === session.value?.post)
      .map((wait) => ({ item, wait })),
  ),
);

function given(): Partial<Filters> {
  return Object.fromEntries(Object.entries(filters).filter(([, value]) => Boolean(value)));
}

async function load(background: boolean): Promise<void> {
  try {
    whole.value = await read({}, filtered.value ? 1 : pages.value, background);
    if (filtered.value) part.value = await read(given(), pages.value, background);
    failed.value = "";
  } catch (error) {
    if (background && error instanceof Problem && error.status === 401) return void (await load(false));
    failed.value = (error as Error).message;
  }
}

const renew = paced((background: boolean) => load(background), 700);

export function more(): void {
  pages.value += 1;
  renew(false);
}

watch(whole, (to, before) => {
  if (!to) return;
  call(loud(to.items));
  // Presence has no place in the list; later changes of it come as events.
  if (!before) to.items.slice(0, LOOKED_AT).forEach((item) => void askPresence(item.id));
});
watch(filters, () => {
  pages.value = 1;
  part.value = null;
  renew(false);
});
changes((change) => change.kind === "case" && renew(true));
reloads(() => renew(true));
onSession(() => renew(false));
