/** Dark for the night shift, light for the day; dark where nobody has chosen. */
import { ref } from "vue";

export type Theme = "dark" | "light";
const KEPT = "liandong.theme";
export const theme = ref<Theme>("dark");

export function setTheme(to: Theme): void {
  theme.value = to;
  document.documentElement.dataset["theme"] = to;
  localStorage.setItem(KEPT, to);
}

export function startTheme(): void {
  const kept = localStorage.getItem(KEPT);
  const light = kept === null && matchMedia("(prefers-color-scheme: light)").matches;
  theme.value = kept === "light" || light ? "light" : "dark";
  document.documentElement.dataset["theme"] = theme.value;
}
