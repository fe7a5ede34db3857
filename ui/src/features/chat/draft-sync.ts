import { api, body } from "@/api/client";
import { asProblem } from "@/api/problem";
import type { Schema } from "@/api/types";

/**
 * Keeps one draft on the server while it is typed, the same in every tab: after a pause in typing it is saved,
 * from the version that this tab knows. Where another tab was faster, both texts are kept, one behind the other.
 */
export interface DraftSync {
  /** The person typed, or sent. */
  typed: () => void;
  /** What the server has: another tab's text is taken, unless something here is not saved yet. */
  arrived: (draft: Schema<"Draft">) => void;
  close: () => void;
}

const pause = 600;

export function syncDraft(chat: string, now: () => string, show: (text: string) => void): DraftSync {
  const params = { params: { path: { chat } } };
  let version = 0;
  // What the server has, as far as this tab knows; undefined until it was asked.
  let saved: string | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let busy = false;
  let closed = false;

  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(() => void save(), pause);
  };

  async function save(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    const text = now();
    if (text === saved) return;
    if (busy) return later();
    busy = true;
    try {
      const kept = await body(api.PUT("/api/drafts/{chat}", { ...params, body: { text, version } }));
      version = kept.version;
      saved = text;
    } catch (cause) {
      // Anything but another tab's text: it stays here, and the next letter tries again.
      if (asProblem(cause).code === "draft-changed") {
        const other = await body(api.GET("/api/drafts/{chat}", params)).catch(() => undefined);
        if (other) join(other);
      }
    } finally {
      busy = false;
    }
  }

  /** Both texts stay, unless one of them holds the other. */
  function join(other: Schema<"Draft">): void {
    const own = now();
    version = other.version;
    saved = other.text;
    if (closed) return;
    if (!own || other.text.includes(own)) show(other.text);
    else if (!own.includes(other.text)) show(`${other.text}\n\n${own}`);
    if (now() !== saved) later();
  }

  return {
    typed: later,
    arrived: (other) => {
      if (busy || closed || other.version === version) {
        saved ??= other.text;
        return;
      }
      // Nothing was typed here since it was saved: the other tab's text is the newer one.
      if (saved !== undefined && now() === saved && !timer) {
        version = other.version;
        saved = other.text;
        show(other.text);
      } else {
        join(other);
      }
    },
    close: () => {
      // What was typed a moment ago is not lost by going elsewhere.
      if (timer) void save();
      closed = true;
    },
  };
}
