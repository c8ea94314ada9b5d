/** Questions and acts. What a server refuses arrives as a `Problem` with its words in the reader's language. */
import { language } from "../texts";
import { heard } from "../live/clock";
import { askAgain, sessionNow, type Way } from "../session/again";
import type { components } from "./schema";

export type Schemas = components["schemas"];
export type ProblemBody = Schemas["Problem"];
export const API = "/api/v1";

export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly body: Partial<ProblemBody>,
  ) {
    super(body.detail ?? `HTTP ${status}`);
  }

  get key(): string {
    return this.body.key ?? "";
  }
}

/** Nobody answered: the act may have been done or not. Trying again with the same key is safe. */
export class NoAnswer extends Error {}

export interface Asked {
  body?: unknown;
  key?: string;
  version?: number;
  /** Do not show the sign-in over the page when the session has ended. */
  quiet?: boolean;
  /** Asked by the page itself, not by a person: it must not keep an unattended session alive. */
  background?: boolean;
  signal?: AbortSignal;
}

/** One request; its answer, or Problem, or NoAnswer. */
export async function once<T>(method: string, path: string, asked: Asked = {}): Promise<T> {
  const headers: Record<string, string> = {
    Accept: "application/json",
    "Accept-Language": language.value,
    // A page of somebody else's cannot set a header, so this proves that the request is our own.
    "X-Liandong": asked.background ? "background" : "1",
  };
  if (asked.body !== undefined) headers["Content-Type"] = "application/json";
  if (asked.key) headers["Idempotency-Key"] = asked.key;
  if (asked.version !== undefined) headers["If-Match"] = `"${asked.version}"`;
  const began = performance.now();
  let answer: Response;
  let words: string;
  try {
    answer = await fetch(API + path, {
      method,
      headers,
      body: asked.body === undefined ? undefined : JSON.stringify(asked.body),
      credentials: "same-origin",
      cache: "no-store",
      signal: asked.signal,
    });
    words = await answer.text();
  } catch (error) {
    if (asked.signal?.aborted) throw error;
    throw new NoAnswer(String(error));
  }
  const said = Date.parse(answer.headers.get("date") ?? "");
  // The header knows seconds only; half of one is its middle. The pings of the stream say it better.
  if (Number.isFinite(said)) heard(said + 500, performance.now() - began + 500);
  const body: unknown = parse(words);
  if (answer.ok) return body as T;
  // A proxy's own page is no answer of the server's.
  if (answer.status >= 502 && answer.status <= 504 && !isProblem(body)) throw new NoAnswer(`HTTP ${answer.status}`);
  throw new Problem(answer.status, isProblem(body) ? body : {});
}

function parse(words: string): unknown {
  try {
    return JSON.parse(words);
  } catch {
    return null;
  }
}

function isProblem(body: unknown): body is ProblemBody {
  return typeof body === "object" && body !== null && "key" in body;
}

/** The same, but a session that has ended is renewed over the page, and then it is asked again. */
export async function ask<T>(method: string, path: string, asked: Asked = {}): Promise<T> {
  for (;;) {
    const session = sessionNow();
    try {
      return await once<T>(method, path, asked);
    } catch (error) {
      const way = error instanceof Problem ? wayOut(error) : null;
      if (asked.quiet || way === null) throw error;
      await askAgain(way, session);
    }
  }
}

/** What the person has to do before the same can be asked again; null: nothing would help. */
function wayOut(error: Problem): Way | null {
  if (error.status === 401) return "sign_in";
  if (error.key === "auth.post_not_held" || error.key === "auth.no_post") return "post";
  return error.key === "auth.must_change_password" ? "password" : null;
}

export function get<T>(path: string, asked: Asked = {}): Promise<T> {
  return ask<T>("GET", path, asked);
}

/** Told when the link is back: whoever waits to try again need wait no longer. */
export const back = new EventTarget();

function pause(milliseconds: number): Promise<void> {
  return new Promise((resume) => {
    const done = (): void => {
      clearTimeout(timer);
      back.removeEventListener("back", done);
      resume();
    };
    const timer = setTimeout(done, milliseconds);
    back.addEventListener("back", done);
  });
}

/** An act that is repeated under one key until somebody answers; `waiting` hears of each attempt. */
export async function insist<T>(
  path: string,
  asked: Asked & { key: string },
  waiting: (attempt: number) => void = () => undefined,
  attempts = 6,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask<T>("POST", path, asked);
    } catch (error) {
      const busy = error instanceof Problem && error.status === 429;
      if (!(error instanceof NoAnswer || busy) || attempt >= attempts) throw error;
      waiting(attempt);
      await pause(Math.min(8000, 500 * 2 ** (attempt - 1)));
    }
  }
}

/** A name of an act that nobody else will make. `randomUUID` is missing on pages without TLS. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** `?a=1&b=2` of what is given. */
export function query(of: Record<string, string | number | boolean | null | undefined>): string {
  const given = Object.entries(of).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return given.length ? `?${new URLSearchParams(given.map(([k, v]) => [k, String(v)]))}` : "";
}
