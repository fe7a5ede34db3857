import { cloneElement, type KeyboardEventHandler, type MouseEventHandler, type ReactElement, type ReactNode, Suspense, useState } from "react";

interface MenuButtonProps {
  /** The button that opens it. */
  trigger: ReactElement<{ onClick?: MouseEventHandler; onKeyDown?: KeyboardEventHandler; "aria-haspopup"?: "menu"; "aria-expanded"?: boolean }>;
  /** Something lazy that draws a Menu with this trigger, open at first. */
  children: (trigger: ReactElement) => ReactNode;
}

/** A button whose menu is fetched when it is pressed for the first time: most never are. */
export function MenuButton({ trigger, children }: MenuButtonProps) {
  const [wanted, setWanted] = useState(false);
  const want = () => setWanted(true);
  const plain = cloneElement(trigger, {
    "aria-haspopup": "menu",
    "aria-expanded": false,
    onClick: want,
    onKeyDown: (event) => {
      if (event.key === "ArrowDown") want();
    },
  });
  return wanted ? <Suspense fallback={plain}>{children(trigger)}</Suspense> : plain;
}
