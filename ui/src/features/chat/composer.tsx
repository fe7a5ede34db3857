import { ArrowUp, Square } from "lucide-react";
import { type FormEvent, type KeyboardEvent, type ReactNode, type Ref, useEffect, useEffectEvent, useId, useImperativeHandle, useLayoutEffect, useRef } from "react";
import { onSignedInAgain } from "@/api/client";
import { asProblem } from "@/api/problem";
import { Tooltip } from "@/components/ui/tooltip";
import { cx } from "@/lib/cx";
import { useFormat } from "@/lib/format";
import { useMedia } from "@/lib/use-media";
import { useWords } from "@/lib/words";
import { ContextMeter } from "./context-meter";
import { useDraft } from "./drafts";
import type { Room } from "./models";
import { fillOf, tooLong } from "./tokens";
import { chatWords } from "./words";

export interface ComposerHandle {
  /** Gives a question back that was not sent, unless another one was begun. */
  restore: (text: string, why?: unknown) => void;
  submit: () => void;
  focus: () => void;
}

interface ComposerProps {
  ref?: Ref<ComposerHandle>;
  /** Whose draft is shown: a chat's id, or "new". */
  chat: string;
  placeholder: string;
  /** An answer is being written: the button stops it. */
  running?: boolean;
  stopping?: boolean;
  sending?: boolean;
  onSend: (text: string) => void;
  onStop?: () => void;
  /** While an answer is written: what is to be sent after it. */
  onQueue?: (text: string) => void;
  /** Up in the empty box: the last question again, in other words. */
  onEditLast?: (() => void) | undefined;
  /** What the model that answers has room for; undefined where none does. */
  room?: Room | undefined;
  /** What stands at the left of the lower row. */
  tools: ReactNode;
  /** What stands beside the send button. */
  picker?: ReactNode;
}

export function Composer({ ref, chat, placeholder, running = false, stopping = false, sending = false, onSend, onStop, onQueue, onEditLast, room, tools, picker }: ComposerProps) {
  const words = useWords(chatWords);
  const box = useRef<HTMLTextAreaElement>(null);
  const [text, setText] = useDraft(chat);
  const note = useId();
  const onTouch = useMedia("(pointer: coarse)");
  const long = tooLong(room, text);
  const fill = fillOf(room, text);
  const ready = text.trim() !== "" && !sending && !running && !long;

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    element.style.height = "auto";
    element.style.height = `${element.scrollHeight}px`;
  }, [text]);

  useEffect(() => {
    if (!onTouch) box.current?.focus({ preventScroll: true });
  }, [chat, onTouch]);

  useEffect(() => {
    const onKey = (event: globalThis.KeyboardEvent) => {
      if (event.key === "Escape" && event.shiftKey) {
        event.preventDefault();
        box.current?.focus();
      }
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);

  const send = () => {
    if (running) {
      const waits = text.trim();
      if (waits === "" || long) return;
      setText("");
      onQueue?.(waits);
      return;
    }
    if (!ready) return;
    const message = text.trim();
    setText("");
    onSend(message);
  };
  // A question that came when the session had ended is sent once somebody has signed in again.
  const unsent = useRef(false);
  const sendAgain = useEffectEvent(() => {
    if (unsent.current) send();
    unsent.current = false;
  });
  useEffect(() => onSignedInAgain(() => setTimeout(sendAgain)), []);
  useImperativeHandle(ref, () => ({
    restore: (lost, why) => {
      unsent.current = asProblem(why).status === 401;
      if (box.current?.value.trim() === "") setText(lost);
    },
    submit: send,
    focus: () => box.current?.focus(),
  }));

  const submit = (event: FormEvent) => {
    event.preventDefault();
    send();
  };
  const press = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    // 229 is what some input methods send for the Enter that ends a composition.
    if (event.nativeEvent.isComposing || event.nativeEvent.keyCode === 229) return;
    if (event.key === "Enter" && !event.shiftKey && !event.altKey && !onTouch) {
      event.preventDefault();
      send();
    } else if (event.key === "Escape" && !event.shiftKey && running) {
      event.preventDefault();
      onStop?.();
    } else if (event.key === "ArrowUp" && text === "" && onEditLast && !event.shiftKey && !event.ctrlKey && !event.altKey && !event.metaKey) {
      event.preventDefault();
      onEditLast();
    }
  };

  const label = running ? (stopping ? words.stopping : words.stop) : words.send;
  return (
    <>
      <form
        aria-label={words.composer}
        onSubmit={submit}
        className="composer rounded-l bg-raised px-3 pt-3 pb-2.5 shadow-[inset_0_0_0_1px_var(--border),var(--shadow-2)] transition-shadow duration-fast focus-within:shadow-[inset_0_0_0_1px_var(--border-strong),var(--shadow-2)] contrast:shadow-[inset_0_0_0_1px_var(--border-strong)] contrast:focus-within:outline-2 contrast:focus-within:outline-focus"
      >
        <textarea
          ref={box}
          rows={1}
          dir="auto"
          value={text}
          aria-label={placeholder}
          aria-invalid={long ? true : undefined}
          aria-describedby={long ? note : undefined}
          placeholder={placeholder}
          enterKeyHint={onTouch ? "enter" : "send"}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={press}
          className="thin-scroll block max-h-[min(20rem,40dvh)] min-h-9 w-full resize-none bg-transparent px-2 pt-0.75 pb-2 text-l leading-[1.5] outline-none"
        />
        <div className="flex items-center gap-0.5">
          {tools}
          <span className="flex-1" />
          {fill && <ContextMeter fill={fill} />}
          {picker}
          <Tooltip text={label} keys={running ? "Esc" : "Enter"} side="top">
            <button
              type={running ? "button" : "submit"}
              aria-label={label}
              aria-disabled={running ? stopping : !ready}
              aria-busy={sending || stopping || undefined}
              onClick={running ? () => !stopping && onStop?.() : undefined}
              className={cx(
                "grid size-9 flex-none place-items-center rounded-full transition-[background,color] duration-fast touch:size-11",
                running ? "bg-text text-surface aria-disabled:opacity-60" : ready ? "bg-accent text-on-accent hover:bg-accent-hover" : "bg-selected text-off",
              )}
            >
              {running ? <Square aria-hidden="true" className="size-3.5 fill-current" /> : <ArrowUp aria-hidden="true" className="stroke-[2.1]" />}
            </button>
          </Tooltip>
        </div>
      </form>
      {long ? <TooLongNote id={note} long={long} /> : fill?.cut ? <p className="mt-2 text-center text-xs text-danger">{words.contextCut}</p> : null}
    </>
  );
}

function TooLongNote({ id, long }: { id: string; long: NonNullable<ReturnType<typeof tooLong>> }) {
  const words = useWords(chatWords);
  const format = useFormat();
  const say = long.unit === "tokens" ? words.tooManyTokens : words.tooManyCharacters;
  return <p id={id} role="status" className="num mt-2 text-center text-xs text-danger">{say(format.number(long.has), format.number(long.most))}</p>;
}
