import { ChevronDown } from "lucide-react";
import { lazy, useEffect, useState } from "react";
import { Button } from "@/components/ui/button";
import { useWords } from "@/lib/words";
import type { Models } from "./models";
import { PopButton } from "./pop-button";
import { chatWords } from "./words";

const ModelChoices = lazy(() => import("./model-choices").then((module) => ({ default: module.ModelChoices })));

interface ModelPickerProps {
  models: Models;
  /** The name that was chosen; "" leaves it to the server. */
  chosen: string;
  onChange: (name: string) => void;
}

/** Who writes the next answer. Without any model there is nothing to choose. */
export function ModelPicker({ models, chosen, onChange }: ModelPickerProps) {
  const words = useWords(chatWords);
  const [open, setOpen] = useState(false);
  const any = models.list.length > 0;

  useEffect(() => {
    if (!any) return;
    const press = (event: KeyboardEvent) => {
      if (event.altKey || !event.shiftKey || !(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "m") return;
      event.preventDefault();
      setOpen((was) => !was);
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [any]);

  if (!any) return null;
  const name = models.answering(chosen)?.label ?? words.ownWords;
  return (
    <PopButton
      open={open}
      onOpenChange={setOpen}
      label={words.modelTitle}
      align="end"
      className="flex max-h-[min(28rem,var(--radix-popover-content-available-height))] w-88 flex-col p-1.25"
      trigger={
        <Button kind="quiet" small className="min-w-0 shrink max-frame:max-w-40" aria-label={words.model(name)}>
          <span className="truncate">{name}</span>
          <ChevronDown aria-hidden="true" className="size-3.75 flex-none" />
        </Button>
      }
    >
      <ModelChoices
        models={models}
        chosen={chosen}
        onChange={(name) => {
          onChange(name);
          setOpen(false);
        }}
      />
    </PopButton>
  );
}
