import type { DoorProps } from "./sign-in-page";

/** Stands in until the real page is written. */
export function SetUpPage(_props: DoorProps & { needed: boolean }) {
  return null;
}
