/** What is asked for over the page: whoever needs a session waits here until there is one again. */
import { ref } from "vue";

export type Way = "sign_in" | "post" | "password";

/** What is missing; it is asked for over whatever is open, and nothing of that is lost. */
export const needed = ref<Way | null>(null);
let waiting: (() => void)[] = [];

export function askAgain(way: Way): Promise<void> {
  needed.value = way;
  return new Promise((resume) => waiting.push(resume));
}

export function satisfied(): void {
  needed.value = null;
  const all = waiting;
  waiting = [];
  all.forEach((resume) => resume());
}
