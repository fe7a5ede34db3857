import { ChevronsUpDown } from "lucide-react";
import { lazy } from "react";
import type { Schema } from "@/api/types";
import { Avatar } from "@/components/ui/avatar";
import { MenuButton } from "@/components/ui/menu-button";
import { useWords } from "@/lib/words";
import { appWords } from "./words";

const AvatarItems = lazy(() => import("./avatar-items"));

/** The person at the foot of the sidebar, with everything that is theirs. */
export function AvatarMenu({ person }: { person: Schema<"Person"> }) {
  const words = useWords(appWords);
  const role = { owner: words.owner, admin: words.administrator, auditor: words.auditor, "": person.email }[person.role];
  return (
    <div className="-mx-2 flex-none border-t border-line p-1.5">
      <MenuButton
        trigger={
          <button
            type="button"
            aria-label={words.menuOf(person.name)}
            className="flex w-full items-center gap-2 rounded-s px-2.5 py-1.5 text-start transition-[background] duration-fast hover:bg-hover aria-expanded:bg-selected"
          >
            <Avatar name={person.name} />
            <span className="min-w-0 flex-1">
              <span className="block truncate">{person.name}</span>
              <span className="block truncate text-xs text-faint">{role}</span>
            </span>
            <ChevronsUpDown aria-hidden="true" className="size-3.75 text-faint" />
          </button>
        }
      >
        {(trigger) => <AvatarItems trigger={trigger} />}
      </MenuButton>
    </div>
  );
}
