import type { Schema } from "@/api/types";
import { SelectField } from "@/components/ui/field";
import { useWords } from "@/lib/words";
import { peopleWords } from "./words";

export type Role = Schema<"Person">["role"];
/** Somebody outside the workspace has none there. */
export type WorkspaceRole = Exclude<Schema<"Person">["workspaceRole"], "">;

/** From the one who may do least. */
export const workspaceRoles: readonly WorkspaceRole[] = ["guest", "member", "editor", "admin"];

interface RoleFieldsProps {
  role: Role;
  workspaceRole: WorkspaceRole;
  onRole: (role: Role) => void;
  onWorkspaceRole: (role: WorkspaceRole) => void;
  /** The roles that may be given by whoever gives them. */
  given: readonly Role[];
  errors?: { role?: string | undefined; workspaceRole?: string | undefined };
}

/** Both roles, each with what it lets a person do. */
export function RoleFields({ role, workspaceRole, onRole, onWorkspaceRole, given, errors }: RoleFieldsProps) {
  const words = useWords(peopleWords);
  return (
    <>
      <SelectField
        label={words.workspaceRole}
        help={words.workspaceRoleHelp[workspaceRole]}
        value={workspaceRole}
        options={workspaceRoles.map((value) => ({ value, label: words.workspaceRoles[value] }))}
        onChange={onWorkspaceRole}
        error={errors?.workspaceRole}
      />
      <SelectField
        label={words.installationRole}
        help={words.roleHelp[role]}
        value={role}
        options={given.map((value) => ({ value, label: words.roles[value] }))}
        onChange={onRole}
        error={errors?.role}
      />
    </>
  );
}

/** The roles that somebody may give: nobody raises anybody above themselves. */
export function rolesToGive(giver: Role): readonly Role[] {
  return giver === "owner" ? ["", "auditor", "admin", "owner"] : ["", "auditor", "admin"];
}
