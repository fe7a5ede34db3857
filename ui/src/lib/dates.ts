/** Groups the sidebar's chats by age. Days are days of the calendar where the reader sits, not 24 hours. */
export type Group =
  | { kind: "today" | "yesterday" | "week" | "month" }
  | { kind: "named"; year: number; month: number };

/** The whole days between two moments on the reader's calendar; summer time does not shift them. */
export function daysBetween(earlier: Date, later: Date): number {
  const day = (d: Date) => Date.UTC(d.getFullYear(), d.getMonth(), d.getDate());
  return Math.round((day(later) - day(earlier)) / 86_400_000);
}

export function groupOf(time: Date, now: Date): Group {
  const days = daysBetween(time, now);
  if (days <= 0) return { kind: "today" };
  if (days === 1) return { kind: "yesterday" };
  if (days <= 7) return { kind: "week" };
  if (days <= 30) return { kind: "month" };
  return { kind: "named", year: time.getFullYear(), month: time.getMonth() };
}

export function groupKey(group: Group): string {
  return group.kind === "named" ? `${group.year}-${group.month}` : group.kind;
}

export interface Grouped<T> {
  key: string;
  group: Group;
  items: T[];
}

/** Groups items that come newest first; their order is kept. */
export function groupByAge<T>(items: readonly T[], timeOf: (item: T) => Date, now: Date): Grouped<T>[] {
  const groups: Grouped<T>[] = [];
  for (const item of items) {
    const group = groupOf(timeOf(item), now);
    const key = groupKey(group);
    const last = groups.find((g) => g.key === key);
    if (last) last.items.push(item);
    else groups.push({ key, group, items: [item] });
  }
  return groups;
}
