/** Stands in until the real page is written. */
export function ProfilePage() {
  return null;
}
