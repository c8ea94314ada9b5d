/** What is asked for over the page: whoever needs a session waits here until there is one again. */
import { ref } from "vue";

export type Way = "sign_in" | "post" | "password";

/** What is missing; it is asked for over whatever is open, and nothing of that is lost. */
export const needed = ref<Way | null>(null);
let waiting: (() => void)[] = [];
let sessions = 0;

/** Counts the sessions of this page: what was asked under an older one says nothing of the present one. */
export function sessionNow(): number {
  return sessions;
}

/** Ask for what is missing, unless a session has begun since `asked`; resolves when there is one. */
export function askAgain(way: Way, asked: number): Promise<void> {
  if (asked !== sessions) return Promise.resolve();
  needed.value = way;
  return new Promise((resume) => waiting.push(resume));
}

export function satisfied(): void {
  sessions += 1;
  needed.value = null;
  const all = waiting;
  waiting = [];
  all.forEach((resume) => resume());
}
