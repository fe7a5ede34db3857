import type { Schema } from "@/api/types";

export interface DoorProps {
  onEntered: (session: Schema<"Session">) => void;
  onSubmitting: () => unknown;
}

/** Stands in until the real page is written. */
export function SignInPage(_props: DoorProps & { setupNeeded: boolean }) {
  return null;
}
