import { useId, useState } from "react";
import type { Start } from "@/api/content";
import type { Schema } from "@/api/types";
import { useLanguage, useWords } from "@/lib/words";
import { PageBar } from "./page-bar";
import type { ReadingPlace } from "./reader";
import { documentWords } from "./words";

/** From how many characters on a text has a bar to move in it. */
export const long = 60_000;

interface LongBarProps {
  document: Schema<"Document">;
  place: ReadingPlace | undefined;
  onStart: (start: Start) => void;
}

/** The way through a long text: by its pages or slides where it has some, otherwise along its length. */
export function LongBar({ document: { pages, characters }, place, onStart }: LongBarProps) {
  if (pages > 1) return <div className="ms-auto"><PageBar page={Math.max(1, place?.page ?? 1)} pages={pages} onPage={(page) => onStart({ page })} /></div>;
  if (characters < long) return null;
  return <Slider length={characters} at={place?.character ?? 0} onMove={onStart} />;
}

function Slider({ length, at, onMove }: { length: number; at: number; onMove: (start: Start) => void }) {
  const words = useWords(documentWords);
  const id = useId();
  const percent = new Intl.NumberFormat(useLanguage(), { style: "percent" });
  const [held, setHeld] = useState<number>();
  const shown = held ?? at;
  const go = () => {
    if (held === undefined) return;
    setHeld(undefined);
    onMove({ from: Math.min(held, length - 1) });
  };
  return (
    <div className="flex min-w-0 flex-1 items-center gap-2.5">
      <label htmlFor={id} className="unseen">{words.place}</label>
      <input
        id={id}
        type="range"
        min={0}
        max={length - 1}
        step={Math.max(1, Math.round(length / 200))}
        value={shown}
        aria-valuetext={words.percent(percent.format(shown / length))}
        onChange={(event) => setHeld(Number(event.target.value))}
        onPointerUp={go}
        onKeyUp={go}
        onBlur={go}
        className="h-control min-w-0 flex-1 accent-accent"
      />
      <span aria-hidden="true" className="num w-10 text-end text-s text-muted">{percent.format(shown / length)}</span>
    </div>
  );
}
