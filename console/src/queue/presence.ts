/** Who else is at a case just now, so that nobody rings the same person twice. */
import { onBeforeUnmount, reactive, watch } from "vue";
import { once } from "../api/ask";
import type { Schemas } from "../api/types";
import { others } from "../live/live";
import { session } from "../session/store";

export type Doing = "viewing" | "calling" | "writing";
export type Present = Schemas["PresentView"];

const at = reactive(new Map<string, Present[]>());

/** Others at a case; oneself is not news. */
export function presentAt(id: string): Present[] {
  return at.get(id) ?? [];
}

export async function askPresence(id: string): Promise<void> {
  try {
    const found = await once<{ items: Present[] }>("GET", `/cases/${id}/presence`, { background: true });
    const rest = found.items.filter((one) => !one.me);
    if (rest.length) at.set(id, rest);
    else at.delete(id);
  } catch {
    at.delete(id);
  }
}

others((name, data) => {
  if (name === "presence" && typeof data["case"] === "string") void askPresence(data["case"]);
});
// What nobody repeats ends after a minute on the server; it is asked again so that it ends here too.
setInterval(() => [...at.keys()].forEach((id) => void askPresence(id)), 20_000);

/** Say what one is doing at a case for as long as the page is open. */
export function beAt(id: () => string, doing: () => [Doing, string]): void {
  const tell = (): void => {
    if (!session.value) return;
    const [what, whom] = doing();
    const body = whom ? { doing: what, whom } : { doing: what };
    void once("PUT", `/cases/${id()}/presence`, { body, background: true }).catch(() => undefined);
  };
  const leave = (of: string): void =>
    void once("DELETE", `/cases/${of}/presence`, { background: true }).catch(() => undefined);
  const timer = setInterval(tell, 20_000);
  watch([id, () => doing().join()], (_, before) => {
    if (before[0] && before[0] !== id()) leave(before[0]);
    tell();
  }, { immediate: true });
  onBeforeUnmount(() => {
    clearInterval(timer);
    leave(id());
  });
}
