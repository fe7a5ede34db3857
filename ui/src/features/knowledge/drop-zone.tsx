import { Upload } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { createPortal } from "react-dom";
import { useWords } from "@/lib/words";
import { droppedFiles } from "./dropped";
import { knowledgeWords } from "./words";

/** The whole page takes files: while some are dragged over it, it says what a drop will do. */
export function DropZone({ name, onFiles }: { name: string; onFiles: (files: readonly File[]) => void }) {
  const words = useWords(knowledgeWords);
  const [over, setOver] = useState(false);
  const take = useRef(onFiles);
  useEffect(() => {
    take.current = onFiles;
  });

  useEffect(() => {
    // Entering a child leaves its parent: only the balance tells whether the page was left.
    let depth = 0;
    const files = (event: DragEvent) => event.dataTransfer?.types.includes("Files") === true;
    const enter = (event: DragEvent) => {
      if (!files(event)) return;
      event.preventDefault();
      depth++;
      setOver(true);
    };
    const hold = (event: DragEvent) => {
      if (!files(event) || !event.dataTransfer) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = "copy";
    };
    const leave = (event: DragEvent) => {
      if (!files(event)) return;
      depth = Math.max(0, depth - 1);
      if (depth === 0) setOver(false);
    };
    const drop = (event: DragEvent) => {
      if (!files(event) || !event.dataTransfer) return;
      event.preventDefault();
      depth = 0;
      setOver(false);
      void droppedFiles(event.dataTransfer).then((list) => take.current(list));
    };
    addEventListener("dragenter", enter);
    addEventListener("dragover", hold);
    addEventListener("dragleave", leave);
    addEventListener("drop", drop);
    return () => {
      removeEventListener("dragenter", enter);
      removeEventListener("dragover", hold);
      removeEventListener("dragleave", leave);
      removeEventListener("drop", drop);
    };
  }, []);

  if (!over) return null;
  return createPortal(
    <div className="fade-in pointer-events-none fixed inset-0 z-50 grid place-items-center bg-scrim p-4">
      <div className="grid w-full max-w-[30rem] justify-items-center gap-1 rounded-m border-2 border-dashed border-accent bg-raised px-6 py-12 text-center shadow-3">
        <Upload aria-hidden="true" className="mb-2 size-7 text-accent-text" />
        <p className="text-l font-strong">{words.dropHere(name)}</p>
        <p className="text-muted">{words.dropHelp}</p>
      </div>
    </div>,
    document.body,
  );
}
