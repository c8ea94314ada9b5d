/** What a person reads, from the files that Python reads too. Keys: `console.*` and `label.*`. */
import { ref } from "vue";
import zh from "virtual:texts/zh";
import en from "virtual:texts/en";

export type Language = "zh" | "en";
const SENTENCES: Record<Language, Record<string, string>> = { zh, en };
const KEPT = "liandong.language";

export const language = ref<Language>(localStorage.getItem(KEPT) === "en" ? "en" : "zh");

export function setLanguage(to: Language): void {
  language.value = to;
  localStorage.setItem(KEPT, to);
  document.documentElement.lang = to === "zh" ? "zh-CN" : "en";
}

/** The sentence of a key with its parameters; ⟦key⟧ where there is none, as no page may fail on words. */
export function t(key: string, params: Record<string, unknown> = {}): string {
  return fill(SENTENCES[language.value][key] ?? `⟦${key}⟧`, params);
}

/** `{name}` → its value; a parameter that is missing shows as its name, one that is empty as a dash. */
export function fill(sentence: string, params: Record<string, unknown>): string {
  return sentence.replace(/\{([a-z_]+)\}/g, (_, name: string) => {
    if (!(name in params)) return `⟦${name}⟧`;
    const value = params[name];
    return value === null || value === undefined || value === "" ? "–" : String(value);
  });
}

/** The word for a code of a closed list (`case_stage`, `closed` → 已办结), or the code itself. */
export function label(list: string, code: string | null | undefined): string {
  if (!code) return "–";
  return SENTENCES[language.value][`label.${list}.${code.replace(/ /g, "_")}`] ?? code;
}

/** Whether there are words for a key. */
export function has(key: string): boolean {
  return key in SENTENCES[language.value];
}
