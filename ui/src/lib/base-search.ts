export const baseTabs = ["documents", "test", "index", "access"] as const;
export type BaseTab = (typeof baseTabs)[number];

/** Which part of a knowledge base is shown; unknown words give the documents. */
export function baseSearch(search: Record<string, unknown>): { tab?: BaseTab } {
  const tab = baseTabs.find((name) => name === search["tab"]);
  return tab && tab !== "documents" ? { tab } : {};
}
