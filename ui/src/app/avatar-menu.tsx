import { useNavigate } from "@tanstack/react-router";
import { ChevronsUpDown, LogOut, Settings, Users } from "lucide-react";
import { api } from "@/api/client";
import { useSession } from "@/api/query";
import type { Schema } from "@/api/types";
import { Avatar } from "@/components/ui/avatar";
import { Menu, MenuChoice, MenuItem, MenuLabel, MenuLine } from "@/components/ui/menu";
import { setLook, themes, useLook } from "@/lib/preferences";
import { useWords } from "@/lib/words";
import { administers } from "@/lib/roles";
import { useLeave } from "./leave-context";
import { appWords } from "./words";

/** Goes to another workspace; nothing of the last one may stay in the page. */
async function enter(id: string) {
  await api.POST("/api/session/workspace", { body: { id } });
  location.assign("/");
}

/** The person at the foot of the sidebar, with everything that is theirs. */
export function AvatarMenu({ person }: { person: Schema<"Person"> }) {
  const words = useWords(appWords);
  const navigate = useNavigate();
  const leave = useLeave();
  const { theme } = useLook();
  const { workspace, workspaces } = useSession();
  const role = { owner: words.owner, admin: words.administrator, auditor: words.auditor, "": person.email }[person.role];
  return (
    <div className="-mx-2 flex-none border-t border-line p-1.5">
      <Menu
        fit
        side="top"
        align="start"
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
        <MenuItem icon={Settings} onSelect={() => void navigate({ to: "/profile" })}>{words.profile}</MenuItem>
        {administers(person) && <MenuItem icon={Users} onSelect={() => void navigate({ to: "/people" })}>{words.people}</MenuItem>}
        {administers(person) && <MenuItem icon={Settings} onSelect={() => void navigate({ to: "/admin" })}>{words.administration}</MenuItem>}
        {workspaces.length > 1 && (
          <>
            <MenuLine />
            <MenuLabel>{words.workspace}</MenuLabel>
            <MenuChoice
              value={workspace.id}
              options={workspaces.map(({ id, name }) => ({ value: id, label: name }))}
              onChange={(id) => void enter(id)}
            />
          </>
        )}
        <MenuLine />
        <MenuLabel>{words.appearance}</MenuLabel>
        <MenuChoice
          value={theme}
          options={themes.map((value) => ({ value, label: words[value] }))}
          onChange={(next) => setLook({ theme: next })}
        />
        <MenuLine />
        <MenuItem icon={LogOut} onSelect={leave}>{words.signOut}</MenuItem>
      </Menu>
    </div>
  );
}
