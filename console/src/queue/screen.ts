/** Tells the server what is on this screen, so that the record can show it later. */
import { once } from "../api/ask";
import { position } from "../live/live";
import { session } from "../session/store";

let last = "";
let timer: ReturnType<typeof setTimeout> | undefined;

export function showing(cases: readonly string[], filters: Record<string, unknown>): void {
  const body = {
    cases: cases.slice(0, 500),
    filters: Object.fromEntries(Object.entries(filters).filter(([, value]) => Boolean(value)).map(([k, v]) => [k, String(v)])),
  };
  const said = JSON.stringify(body);
  if (said === last) return;
  clearTimeout(timer);
  timer = setTimeout(() => {
    if (!session.value) return;
    once("POST", "/screen", { body: { ...body, position: position.value }, background: true }).then(
      () => (last = said),
      () => undefined,
    );
  }, 1000);
}
