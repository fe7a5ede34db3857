import { useNavigate } from "@tanstack/react-router";
import { LogOut, Settings, Users } from "lucide-react";
import type { ReactNode } from "react";
import { api } from "@/api/client";
import { useSession } from "@/api/query";
import { Menu, MenuChoice, MenuItem, MenuLabel, MenuLine } from "@/components/ui/menu";
import { setLook, themes, useLook } from "@/lib/preferences";
import { administers } from "@/lib/roles";
import { useWords } from "@/lib/words";
import { useLeave } from "./leave-context";
import { appWords } from "./words";

/** Goes to another workspace; nothing of the last one may stay in the page. */
async function enter(id: string) {
  await api.POST("/api/session/workspace", { body: { id } });
  location.assign("/");
}

/** Everything that is the person's. It comes with the first press of its button. */
export default function AvatarItems({ trigger }: { trigger: ReactNode }) {
  const words = useWords(appWords);
  const navigate = useNavigate();
  const leave = useLeave();
  const { theme } = useLook();
  const { person, workspace, workspaces } = useSession();
  return (
    <Menu fit defaultOpen side="top" align="start" trigger={trigger}>
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
  );
}
