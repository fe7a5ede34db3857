import { Pencil, Trash2 } from "lucide-react";
import type { ReactElement } from "react";
import { Menu, MenuItem, MenuLine } from "@/components/ui/menu";
import { useWords } from "@/lib/words";
import type { Knowledge } from "./queries";
import { knowledgeWords } from "./words";

/** What one may do with a base: who edits it renames it, who manages it deletes it. Nothing is shown to readers. */
export function BaseMenu({ base, trigger, onAct }: { base: Knowledge; trigger: ReactElement; onAct: (act: "rename" | "remove") => void }) {
  const words = useWords(knowledgeWords);
  const mayEdit = base.right === "edit";
  if (!mayEdit && !base.manages) return null;
  return (
    <Menu trigger={trigger}>
      {mayEdit && <MenuItem icon={Pencil} onSelect={() => onAct("rename")}>{words.rename}</MenuItem>}
      {mayEdit && base.manages && <MenuLine />}
      {base.manages && <MenuItem icon={Trash2} danger onSelect={() => onAct("remove")}>{words.remove}</MenuItem>}
    </Menu>
  );
}
