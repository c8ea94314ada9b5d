/** One case as it is shown, kept up to date while its page is open. */
import { onBeforeUnmount, ref, shallowRef } from "vue";
import { get, insist, newKey, once, Problem, query } from "../api/ask";
import type { ActDone, Case, Timeline, TimelineItem } from "../api/types";
import { changes, reloads } from "../live/live";
import { learn } from "../names";
import { paced } from "../queue/paced";

/** Acts that only add to the record: they fit any version of the case. */
const ADDING = ["note", "call"];

export class Changed extends Error {
  constructor(
    message: string,
    readonly since: TimelineItem[],
  ) {
    super(message);
  }
}

export function useCase(id: string) {
  const found = shallowRef<Case | null>(null);
  const gone = ref("");
  const timeline = shallowRef<readonly TimelineItem[]>([]);
  let last = 0;
  let open = true;

  async function lines(): Promise<TimelineItem[]> {
    const added: TimelineItem[] = [];
    let after = String(last);
    for (;;) {
      const page = await once<Timeline>("GET", `/cases/${id}/timeline${query({ after, limit: 200 })}`, { background: true });
      added.push(...page.items);
      if (!page.next || !page.items.length) break;
      after = page.next;
    }
    const fresh = added.filter((item) => item.sequence > last);
    if (fresh.length) {
      last = Math.max(...fresh.map((item) => item.sequence));
      timeline.value = [...timeline.value, ...fresh];
    }
    return fresh;
  }

  async function load(background: boolean): Promise<void> {
    try {
      const path = `/cases/${id}${query({ persons: true })}`;
      found.value = await (background ? once<Case>("GET", path, { background: true }) : get<Case>(path));
      gone.value = "";
      learnFrom(found.value);
      // Those who may not read the journal see the case without its history.
      await lines().catch((error) => {
        if (!(error instanceof Problem) || error.status !== 403) throw error;
      });
    } catch (error) {
      if (error instanceof Problem && error.status === 404) {
        found.value = null;
        gone.value = error.message;
      } else if (error instanceof Problem && error.status === 401 && background) await load(false);
      else if (!found.value) gone.value = (error as Error).message;
    }
  }
  const renew = paced((background: boolean) => (open ? load(background) : Promise.resolve()), 250);

  /**
   * Do something to the case on the version that was shown. Returns what the server said it did; throws
   * Changed where the case is another one by now, Problem where it was refused, NoAnswer where nobody knows.
   */
  async function act(
    action: string,
    body: object,
    key: string,
    waiting: (attempt: number) => void = () => undefined,
    path = `/cases/${id}/acts/${action}`,
  ): Promise<ActDone> {
    // What was on the page when the button was pressed; news that come while the answer is under way are news.
    const shown = last;
    for (let attempt = 0; ; attempt++) {
      const version = found.value?.version ?? 0;
      try {
        const done = await insist<ActDone>(path, { key: attempt ? newKey() : key, version, body }, waiting);
        await load(true);
        return done;
      } catch (error) {
        if (!(error instanceof Problem) || !isStale(error)) throw error;
        await load(true);
        if (ADDING.includes(action) && attempt < 5) continue;
        throw new Changed(error.message, timeline.value.filter((item) => item.sequence > shown));
      }
    }
  }

  const ends = [
    changes((change) => change.kind === "case" && change.id === id && renew(true)),
    reloads(() => renew(true)),
  ];
  onBeforeUnmount(() => {
    open = false;
    ends.forEach((end) => end());
  });
  renew(false);
  return { found, gone, timeline, act, renew };
}

function learnFrom(view: Case): void {
  Object.entries(view.names).forEach(([key, of]) => learn(key, of));
  for (const watch of view.card.watches)
    for (const one of [watch.leader, watch.main, watch.second, ...watch.wake]) learn(one?.person, one?.person_name);
  Object.entries(view.persons).forEach(([key, of]) => learn(key, of));
}

export type CaseStore = ReturnType<typeof useCase>;

function isStale(error: Problem): boolean {
  return error.status === 409 && /(^|\.)stale$/.test(error.key);
}
