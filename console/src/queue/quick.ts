/** The one act that a key does straight from the list. */
import { get, insist, newKey } from "../api/ask";
import type { ActDone, Case } from "../api/types";
import { go } from "../route";
import { worded } from "../names";
import { t } from "../texts";

/** Sign for the order that waits for the asker; where that is not the next act, open the case. The words to show. */
export async function acknowledge(id: string): Promise<string> {
  try {
    const found = await get<Case>(`/cases/${id}`);
    const offer = found.offers.find((one) => one.action === "acknowledge");
    if (!offer || offer.fields.some((field) => field.required)) {
      go(`/case/${id}`, "act");
      return "";
    }
    const done = await insist<ActDone>(`/cases/${id}/acts/acknowledge`, { key: newKey(), version: found.version, body: {} });
    return t("console.done", { what: worded(done.reason.text) });
  } catch (error) {
    return t("console.not_done", { why: (error as Error).message });
  }
}
