import { type FormEvent, useState } from "react";
import { asProblem } from "@/api/problem";
import { useSession } from "@/api/query";
import type { Schema } from "@/api/types";
import { Button } from "@/components/ui/button";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { ErrorPanel } from "@/components/ui/error-panel";
import { useToast } from "@/components/ui/toast";
import { useWords } from "@/lib/words";
import { useChangePerson } from "./queries";
import { RoleFields, rolesToGive } from "./role-fields";
import { peopleWords } from "./words";

/** The dialog that changes what a person may do. */
export function ChangeRoles({ person, onClose }: { person: Schema<"Person">; onClose: () => void }) {
  const words = useWords(peopleWords);
  const toast = useToast();
  const { person: me } = useSession();
  const change = useChangePerson();
  const [role, setRole] = useState(person.role);
  const [workspaceRole, setWorkspaceRole] = useState(person.workspaceRole || "member");
  const problem = change.error && asProblem(change.error);
  const errors = { role: problem?.field("role"), workspaceRole: problem?.field("workspaceRole") };

  function submit(event: FormEvent) {
    event.preventDefault();
    if (change.isPending) return;
    // Only what was changed is sent: the server asks for the right to each.
    const wanted = {
      ...(role !== person.role && { role }),
      ...(workspaceRole !== person.workspaceRole && { workspaceRole }),
    };
    if (Object.keys(wanted).length === 0) return onClose();
    change.mutate(
      { person, change: wanted },
      {
        onSuccess: () => {
          toast(words.rolesToast(person.name));
          onClose();
        },
      },
    );
  }

  return (
    <Dialog open onClose={onClose} title={words.rolesTitle(person.name)}>
      <form noValidate onSubmit={submit} className="grid gap-4">
        {problem && !errors.role && !errors.workspaceRole && <ErrorPanel error={problem} />}
        <RoleFields
          role={role}
          workspaceRole={workspaceRole}
          onRole={setRole}
          onWorkspaceRole={setWorkspaceRole}
          given={rolesToGive(me.role)}
          errors={errors}
        />
        <DialogActions>
          <Button onClick={onClose}>{words.cancel}</Button>
          <Button kind="primary" type="submit" busy={change.isPending}>{words.save}</Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
