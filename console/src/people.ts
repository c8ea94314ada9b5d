/** Names of persons, asked for once each and only where the post may read them. */
import { once } from "./api/ask";
import { called, knows, learn } from "./names";
import { may, session } from "./session/store";
import { t } from "./texts";

const asked = new Set<string>();

/** What a person is called here: “you”, the name, else the key. */
export function personCalled(key: string): string {
  if (!key) return "–";
  if (key === session.value?.person) return t("console.you");
  if (!knows(key) && may("personal.read") && !asked.has(key)) {
    asked.add(key);
    once<{ name: string }>("GET", `/persons/${encodeURIComponent(key)}`, { background: true }).then(
      (found) => learn(key, found.name),
      () => undefined,
    );
  }
  return called(key);
}
