import { Slot } from "@radix-ui/react-slot";
import type { ComponentProps, ReactNode, RefObject } from "react";

interface RemoveScrollProps extends ComponentProps<"div"> {
  children?: ReactNode;
  as?: unknown;
  allowPinchZoom?: boolean;
  enabled?: boolean;
  shards?: RefObject<unknown>[];
}

/**
 * Stands in for the package of the same name (see vite.config.ts). Dialogs and
 * menus wrap themselves in it to keep the page behind from scrolling; here the
 * page itself never scrolls, only its panes do, and those lie under the overlay.
 */
export function RemoveScroll({ as: _as, allowPinchZoom: _zoom, enabled: _on, shards: _shards, ...rest }: RemoveScrollProps) {
  return <Slot {...rest} />;
}

RemoveScroll.classNames = { fullWidth: "", zeroRight: "" };
