/** One signature at a time: under way, refused, unknown or done. */
import { ref } from "vue";
import { insist, NoAnswer, newKey, Problem } from "../api/ask";
import { worded } from "../names";
import { t } from "../texts";

interface Answer {
  text?: string;
  reason?: { text: string };
}

export function useSigning(load: () => Promise<void>) {
  const busy = ref(false);
  const refused = ref("");
  const said = ref("");
  // Kept while nobody has answered and while the content stays, so that trying again cannot do it twice.
  let key = newKey();
  let content = "";

  async function sign(path: string, body: object, version?: number): Promise<boolean> {
    busy.value = true;
    refused.value = said.value = "";
    const now = JSON.stringify([path, body]);
    if (now !== content) key = newKey();
    content = now;
    try {
      const done = await insist<Answer>(path, { key, body, ...(version === undefined ? {} : { version }) });
      key = newKey();
      said.value = t("console.done", { what: worded(done.text ?? done.reason?.text ?? "") });
      await load();
      return true;
    } catch (error) {
      if (!(error instanceof NoAnswer)) key = newKey();
      if (error instanceof Problem && error.status === 409) await load();
      refused.value = error instanceof NoAnswer ? t("console.unknown") : (error as Error).message;
      return false;
    } finally {
      busy.value = false;
    }
  }
  return { busy, refused, said, sign };
}
