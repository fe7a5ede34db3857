import { createContext, useContext } from "react";

/** Ends the session: everything that asks the server is taken down first. */
export const LeaveContext = createContext<() => void>(() => undefined);

export function useLeave(): () => void {
  return useContext(LeaveContext);
}
