/** Where in the console one is: `/`, `/case/<id>`, `/shift`. */
import { computed, ref } from "vue";

const path = ref(location.pathname);
/** Part of the page to begin at, once. */
export const target = ref("");
addEventListener("popstate", () => (path.value = location.pathname));

export type Place = { page: "queue" } | { page: "case"; id: string } | { page: "shift" };

export const place = computed<Place>(() => {
  const found = /^\/case\/([A-Za-z0-9_:-]{1,128})$/.exec(path.value);
  if (found?.[1]) return { page: "case", id: found[1] };
  return path.value === "/shift" ? { page: "shift" } : { page: "queue" };
});

export function go(to: string, part = ""): void {
  target.value = part;
  if (to !== location.pathname) history.pushState(null, "", to);
  path.value = to;
  if (!part) scrollTo({ top: 0 });
}
