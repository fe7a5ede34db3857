import type { ReactNode } from "react";
import { Menu, MenuItem, MenuLabel, MenuLine } from "@/components/ui/menu";
import { useWords } from "@/lib/words";
import type { Acts } from "./answer-acts";
import { extractive, useModels } from "./models";
import type { Message } from "./queries";
import { chatWords } from "./words";

/** What may write another version. It comes with the first press of its button. */
export default function AgainMenu({ trigger, message, again }: { trigger: ReactNode; message: Message; again: Acts["again"] }) {
  const words = useWords(chatWords);
  const models = useModels();
  const own = message.kind === "generated" ? models.find(message.model) : undefined;
  const others = models.list.filter((model) => model.available && model.name !== own?.name);
  const quoted = message.kind !== "generated";
  return (
    <Menu defaultOpen align="start" trigger={trigger}>
      {message.model && <MenuItem disabled={own?.available === false} onSelect={() => again(message, message.model)}>{words.sameModel(models.label(message.model))}</MenuItem>}
      {others.length > 0 && (
        <>
          {message.model && <MenuLine />}
          <MenuLabel>{quoted ? words.withModel : words.otherModels}</MenuLabel>
          {others.map((model) => <MenuItem key={model.name} onSelect={() => again(message, model.name)}>{model.label}</MenuItem>)}
        </>
      )}
      <MenuLine />
      <MenuItem onSelect={() => again(message, extractive)}>{words.ownWords}</MenuItem>
    </Menu>
  );
}

