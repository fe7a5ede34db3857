/** Stands in until the real page is written. */
export function PeoplePage() {
  return null;
}
