/** Where in the console one is: `/`, `/case/<id>`, `/shift`, `/roster`, `/alarms`, `/devices`, `/mechanisms`, `/mechanisms/<draft>`. */
import { computed, ref } from "vue";

const path = ref(location.pathname);
/** Part of the page to begin at, once. */
export const target = ref("");
addEventListener("popstate", () => (path.value = location.pathname));

export type Place = { page: "queue" | "shift" | "roster" | "alarms" | "devices" } | { page: "case" | "mechanisms"; id: string };

export const place = computed<Place>(() => {
  const found = /^\/(case|mechanisms)\/([A-Za-z0-9_:-]{1,128})$/.exec(path.value);
  if (found?.[2]) return { page: found[1] as "case" | "mechanisms", id: found[2] };
  if (path.value === "/mechanisms") return { page: "mechanisms", id: "" };
  if (path.value === "/alarms") return { page: "alarms" };
  if (path.value === "/devices") return { page: "devices" };
  if (path.value === "/shift") return { page: "shift" };
  return path.value === "/roster" ? { page: "roster" } : { page: "queue" };
});

export function go(to: string, part = ""): void {
  target.value = part;
  if (to !== location.pathname) history.pushState(null, "", to);
  path.value = to;
  if (!part) scrollTo({ top: 0 });
}
