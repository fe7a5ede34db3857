import { cloneElement, lazy, Suspense, useState } from "react";
import type { PopProps } from "./pop";

const Pop = lazy(() => import("./pop"));

/** A button with something that floats beside it, which is loaded when it is pressed for the first time. */
export function PopButton(props: PopProps) {
  const { trigger, open, onOpenChange, children } = props;
  const [wanted, setWanted] = useState(false);
  if (open && !wanted) setWanted(true);
  const plain = cloneElement(trigger, { "aria-haspopup": "dialog", "aria-expanded": false, onClick: () => onOpenChange(!open) });
  if (!wanted) return plain;
  return (
    <Suspense fallback={plain}>
      <Pop {...props}>
        <Suspense fallback={<div className="h-40" />}>{children}</Suspense>
      </Pop>
    </Suspense>
  );
}
