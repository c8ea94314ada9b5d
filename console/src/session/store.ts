/** Who is signed in, and as which post. */
import { computed, ref } from "vue";
import { API, newKey, once, Problem } from "../api/ask";
import type { Session } from "../api/types";
import { heard } from "../live/clock";
import { learn } from "../names";
import { ms } from "../times";
import { language, setLanguage, type Language } from "../texts";
import { needed, satisfied } from "./again";

type HeldPost = Session["posts"][number];

export const session = ref<Session | null>(null);
/** False until the server has said whether there is a session. */
export const known = ref(false);
const changed = new Set<(to: Session) => void>();

export const postTitle = computed(() => {
  const held = session.value?.posts.find((one) => one.post === session.value?.post);
  return held ? titleOf(held) : (session.value?.post ?? "");
});

export function titleOf(held: HeldPost): string {
  return (language.value === "zh" ? held.title_zh : held.title_en) || held.post;
}

export function may(capability: string): boolean {
  return session.value?.capabilities.some((one) => one === capability) ?? false;
}

/** Called with each new session, also after a sign-in over the page. Returns what ends it. */
export function onSession(listener: (to: Session) => void): () => void {
  changed.add(listener);
  return () => changed.delete(listener);
}

function take(to: Session): void {
  const before = session.value;
  session.value = to;
  known.value = true;
  heard(ms(to.now), 400);
  to.posts.forEach((held) => learn(held.post, { zh: held.title_zh, en: held.title_en }));
  if (to.must_change) needed.value = "password";
  else if (!to.post_held) needed.value = "post";
  else satisfied();
  // Another person's half-read page is not for this one.
  if (before && before.person !== to.person) return void location.assign("/");
  if (to.post_held && !to.must_change) changed.forEach((listener) => listener(to));
}

/** Ask who this browser is. */
export async function look(): Promise<void> {
  try {
    const found = await once<Session>("GET", "/session", { quiet: true });
    if (localStorage.getItem("liandong.language") === null) setLanguage(found.language as Language);
    take(found);
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 401) throw error;
    known.value = true;
  }
}

export async function signIn(account: string, password: string): Promise<void> {
  take(await once<Session>("POST", "/session", { body: { account, password } }));
  void choose(language.value);
}

export async function actAs(post: string): Promise<void> {
  take(await once<Session>("POST", "/session/post", { body: { post } }));
}

export async function changePassword(old: string, next: string): Promise<void> {
  take(await once<Session>("POST", "/session/password", { body: { old, new: next } }));
}

export async function choose(to: Language): Promise<void> {
  setLanguage(to);
  if (session.value)
    await once("POST", "/session/language", { body: { language: to } }).catch(() => undefined);
}

export async function signOut(): Promise<void> {
  await once("DELETE", "/session", { key: newKey() }).catch(() => undefined);
  location.assign("/");
}

export const OIDC = `${API}/session/oidc`;
export async function ways(): Promise<{ password: boolean; oidc: boolean }> {
  return once("GET", "/session/ways");
}
