/** Moments and durations as they are read on the wall of the centre. */

/** China has one zone and no summer time; a console must not follow the zone of a laptop. */
const ZONE_MS = 8 * 3600_000;

/** RFC 3339 → milliseconds since 1970; NaN for what is no moment. */
export function ms(at: string | null | undefined): number {
  return at ? Date.parse(at) : NaN;
}

/** What was put into a field of the kind `datetime-local`, read on the wall's clock → RFC 3339. */
export function wallTime(field: string): string {
  return `${field.length === 16 ? `${field}:00` : field}+08:00`;
}

/** A moment as such a field takes it. */
export function fieldTime(at: number): string {
  return new Date(at + ZONE_MS).toISOString().slice(0, 16);
}

function two(number: number): string {
  return String(number).padStart(2, "0");
}

/** 03:07:12, Beijing time; with `seconds` false 03:07. */
export function clockTime(at: number, seconds = true): string {
  if (!Number.isFinite(at)) return "–";
  const d = new Date(at + ZONE_MS);
  const hm = `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}`;
  return seconds ? `${hm}:${two(d.getUTCSeconds())}` : hm;
}

/** 05-01 03:07, with the year where it is not that of `now`. */
export function dayTime(at: number, now: number): string {
  if (!Number.isFinite(at)) return "–";
  const d = new Date(at + ZONE_MS);
  const year = new Date(now + ZONE_MS).getUTCFullYear();
  const day = `${two(d.getUTCMonth() + 1)}-${two(d.getUTCDate())}`;
  const full = d.getUTCFullYear() === year ? day : `${d.getUTCFullYear()}-${day}`;
  return `${full} ${clockTime(at, false)}`;
}

/** Seconds → 4:05, 1:02:03, 3d 01:02; the sign is the caller's. */
export function span(seconds: number): string {
  if (!Number.isFinite(seconds)) return "–";
  const s = Math.floor(Math.abs(seconds));
  const days = Math.floor(s / 86400);
  const h = Math.floor(s / 3600) % 24;
  const m = Math.floor(s / 60) % 60;
  if (days) return `${days}d ${two(h)}:${two(m)}`;
  return h ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
}

export interface Left {
  text: string;
  state: "calm" | "soon" | "over";
  seconds: number;
}

/** What is left until `due`: calm, soon (less than a fifth of the limit, or a minute), or over. */
export function left(due: number, now: number, limit = NaN): Left {
  const seconds = Math.floor((due - now) / 1000);
  const soon = Math.max(60, Number.isFinite(limit) ? limit / 5 : 0);
  const state = seconds < 0 ? "over" : seconds <= soon ? "soon" : "calm";
  return { text: (seconds < 0 ? "+" : "") + span(seconds), state, seconds };
}
