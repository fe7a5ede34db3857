import { useSyncExternalStore } from "react";

/** Whether a media query holds now: `useMedia("(max-width: 820px)")`. */
export function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (tell) => {
      const media = matchMedia(query);
      media.addEventListener("change", tell);
      return () => media.removeEventListener("change", tell);
    },
    () => matchMedia(query).matches,
  );
}

/** Below this the sidebar is a drawer and the panel a sheet. */
export const phone = "(max-width: 51.24rem)";
/** Below this the panel lies over the page. */
export const narrow = "(max-width: 68.74rem)";
