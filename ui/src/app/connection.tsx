/** Stands in until the live connection is written. */
export function Connection() {
  return null;
}
