/**
 * A list that never moves under the cursor.
 *
 * Rows that are shown take over new contents at once, in place. New rows, a new order and rows that
 * went wait while somebody points at the list, has it in focus or has scrolled it; how many wait is said.
 */
export interface Held<Row> {
  shown: readonly Row[];
  /** Rows of the newest answer that are not shown yet. */
  fresh: number;
  /** Whether the shown order is not the newest. */
  behind: boolean;
}

export function hold<Row extends { id: string }>(
  shown: readonly Row[],
  newest: readonly Row[],
  held: boolean,
): Held<Row> {
  if (!held) return { shown: newest, fresh: 0, behind: false };
  const now = new Map(newest.map((row) => [row.id, row]));
  const kept = new Set(shown.map((row) => row.id));
  const merged = shown.map((row) => now.get(row.id) ?? row);
  const fresh = newest.filter((row) => !kept.has(row.id)).length;
  const behind = fresh > 0 || newest.length !== shown.length || newest.some((row, i) => shown[i]?.id !== row.id);
  return { shown: merged, fresh, behind };
}
