/** Half-written words, kept in this browser per person and case until the server has them. */
import { ref, watch, type Ref } from "vue";

const PREFIX = "liandong.draft.";

export function draft(person: string, of: string, field: string): { words: Ref<string>; sent(): void } {
  const name = `${PREFIX}${person}.${of}.${field}`;
  const words = ref(localStorage.getItem(name) ?? "");
  watch(words, (to) => (to ? localStorage.setItem(name, to) : localStorage.removeItem(name)), { flush: "sync" });
  return {
    words,
    sent() {
      words.value = "";
    },
  };
}
