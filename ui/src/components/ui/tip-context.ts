import { createContext, type ReactNode } from "react";

export interface TipProps {
  text: ReactNode;
  keys?: string | undefined;
  side?: "top" | "bottom" | "left" | "right";
  children: ReactNode;
}

/**
 * How a name is shown over what is pointed at. The door of the application has no
 * tooltips, because they need a layout engine; behind it TooltipProvider gives them.
 */
export const TipContext = createContext<(props: TipProps) => ReactNode>(({ children }) => children);
