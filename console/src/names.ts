/** Names in the reader's language, and what the console has learnt of keys while it showed them. */
import { reactive } from "vue";
import type { Name } from "./api/types";
import { language } from "./texts";

export function name(of: Name | null | undefined, otherwise = "–"): string {
  if (!of) return otherwise;
  return (language.value === "zh" ? of.zh : of.en) || of.zh || of.en || otherwise;
}

const learnt = reactive(new Map<string, Name>());

/** Remember what a key is called; answers about presence and shifts hold keys only. */
export function learn(key: string | null | undefined, of: Name | string | null | undefined): void {
  if (!key || !of) return;
  const found = typeof of === "string" ? { zh: of, en: of } : of;
  const known = learnt.get(key);
  if (known?.zh !== found.zh || known.en !== found.en) learnt.set(key, found);
}

export function called(key: string): string {
  return name(learnt.get(key), key);
}

export function knows(key: string): boolean {
  return learnt.has(key);
}

/** Sentences of the record name keys (`asset:valve-1`); what the console knows of them is shown instead. */
export function worded(sentence: string): string {
  return sentence.replace(/\b(?:person|post|unit|asset|area|channel):[A-Za-z0-9_.-]*[A-Za-z0-9_-]/g, called);
}
