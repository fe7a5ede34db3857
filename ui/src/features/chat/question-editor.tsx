import { type KeyboardEvent, useEffect, useLayoutEffect, useRef, useState } from "react";
import { Button } from "@/components/ui/button";
import { useFormat } from "@/lib/format";
import { useMedia } from "@/lib/use-media";
import { useWords } from "@/lib/words";
import type { Room } from "./models";
import { tooLong } from "./tokens";
import { chatWords } from "./words";

interface QuestionEditorProps {
  text: string;
  room: Room | undefined;
  onSave: (text: string) => void;
  onCancel: () => void;
}

/** A question in its place, being put in other words. */
export function QuestionEditor({ text: before, room, onSave, onCancel }: QuestionEditorProps) {
  const words = useWords(chatWords);
  const format = useFormat();
  const onTouch = useMedia("(pointer: coarse)");
  const box = useRef<HTMLTextAreaElement>(null);
  const [text, setText] = useState(before);
  const long = tooLong(room, text);
  const ready = text.trim() !== "" && !long;

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    element.focus();
    element.setSelectionRange(element.value.length, element.value.length);
  }, []);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    element.style.height = "auto";
    element.style.height = `${element.scrollHeight}px`;
  }, [text]);

  const save = () => {
    if (ready) onSave(text.trim());
  };
  const press = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing || event.nativeEvent.keyCode === 229) return;
    if (event.key === "Enter" && !event.shiftKey && !event.altKey && !onTouch) save();
    else if (event.key === "Escape") onCancel();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <form
      aria-label={words.editQuestion}
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
      className="rounded-m bg-selected px-4 py-3"
    >
      <textarea
        ref={box}
        rows={1}
        dir="auto"
        value={text}
        aria-label={words.editQuestion}
        aria-invalid={long ? true : undefined}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={press}
        className="thin-scroll block max-h-[40dvh] w-full resize-none bg-transparent text-l leading-[1.5] outline-none"
      />
      <div className="mt-2 flex flex-wrap items-center justify-end gap-2">
        <p role="status" className="num min-w-0 flex-1 text-xs text-danger">
          {long && (long.unit === "tokens" ? words.tooManyTokens : words.tooManyCharacters)(format.number(long.has), format.number(long.most))}
        </p>
        <Button small onClick={onCancel}>{words.cancelEdit}</Button>
        <Button small kind="primary" type="submit" disabled={!ready}>{words.saveAndSend}</Button>
      </div>
    </form>
  );
}
