/** What the console knows of the server from moment to moment, and who is told when something changes. */
import { computed, ref } from "vue";
import { API, back, once, Problem, query } from "../api/ask";
import { askAgain, needed, sessionNow } from "../session/again";
import { ms } from "../times";
import { heard, now } from "./clock";
import { share } from "./share";

export interface Change {
  kind: string;
  id: string;
  position: number;
}

/** The stream is open and has said something of late. */
export const linked = ref(false);
/** When the server was last heard, by its own clock. */
const lastHeard = ref(NaN);
export const position = ref(0);
/** Seconds for which the page may be out of date; 0 while the stream is alive. */
export const staleFor = computed(() =>
  linked.value || !Number.isFinite(lastHeard.value) ? 0 : Math.max(0, Math.round((now.value - lastHeard.value) / 1000)),
);

const onChange = new Set<(change: Change) => void>();
const onReload = new Set<() => void>();
const onOther = new Set<(name: string, data: Record<string, unknown>) => void>();
let running: { restart(): void; stop(): void } | null = null;

/** Called for each thing that changed. Returns what ends it. */
export function changes(listener: (change: Change) => void): () => void {
  onChange.add(listener);
  return () => onChange.delete(listener);
}
/** Called when everything that is shown has to be asked for again. */
export function reloads(listener: () => void): () => void {
  onReload.add(listener);
  return () => onReload.delete(listener);
}
/** Called for presence and self-tests. */
export function others(listener: (name: string, data: Record<string, unknown>) => void): () => void {
  onOther.add(listener);
  return () => onOther.delete(listener);
}

function onEvent(name: string, data: string): void {
  const said = JSON.parse(data || "{}") as Record<string, unknown>;
  const at = ms(said["now"] as string | undefined);
  heard(at, 50);
  lastHeard.value = now.value;
  if (typeof said["position"] === "number") position.value = Math.max(position.value, said["position"]);
  if (name === "changed") onChange.forEach((tell) => tell(said as unknown as Change));
  else if (name === "resync") onReload.forEach((tell) => tell());
  else if (name === "presence" || name === "self_test") onOther.forEach((tell) => tell(name, said));
  else if (name === "end" && said["key"] === "auth.expired") needed.value = "sign_in";
  else if (name === "end" && said["key"] === "auth.post_not_held") needed.value = "post";
}

export function startLive(): void {
  if (running) return running.restart();
  let before = false;
  running = share({
    url: (after) => `${API}/events${query({ after })}`,
    names: ["ready", "changed", "presence", "self_test", "resync", "ping", "end"],
    silence: 25_000,
    onEvent,
    onLink(alive) {
      // What was missed between two streams comes by `after`; what was shown meanwhile is asked for again.
      if (alive && !before) {
        onReload.forEach((tell) => tell());
        back.dispatchEvent(new Event("back"));
      }
      before = alive;
      linked.value = alive;
    },
    async allowed() {
      if (needed.value) return false;
      const session = sessionNow();
      try {
        await once("GET", "/session", { background: true });
        return true;
      } catch (error) {
        if (!(error instanceof Problem) || error.status !== 401) return true;
        void askAgain("sign_in", session);
        return session !== sessionNow();
      }
    },
  });
}
