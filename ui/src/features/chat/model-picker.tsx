import * as Popover from "@radix-ui/react-popover";
import { ChevronDown } from "lucide-react";
import { lazy, Suspense, useEffect, useState } from "react";
import { Button } from "@/components/ui/button";
import { useWords } from "@/lib/words";
import type { Models } from "./models";
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
    <Popover.Root open={open} onOpenChange={setOpen}>
      <Popover.Trigger asChild>
        <Button kind="quiet" small className="min-w-0 shrink max-frame:max-w-40" aria-label={words.model(name)}>
          <span className="truncate">{name}</span>
          <ChevronDown aria-hidden="true" className="size-3.75 flex-none" />
        </Button>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          side="top"
          align="end"
          sideOffset={8}
          collisionPadding={8}
          aria-label={words.modelTitle}
          className="pop-in z-50 flex max-h-[min(28rem,var(--radix-popover-content-available-height))] w-88 max-w-[calc(100vw-1rem)] flex-col rounded-pop bg-raised p-1.25 outline-none float-edge"
        >
          <Suspense fallback={<div className="h-40" />}>
            <ModelChoices
              models={models}
              chosen={chosen}
              onChange={(name) => {
                onChange(name);
                setOpen(false);
              }}
            />
          </Suspense>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}
