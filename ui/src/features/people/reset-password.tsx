import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body } from "@/api/client";
import { asProblem } from "@/api/problem";
import { key } from "@/api/query";
import type { Schema } from "@/api/types";
import { ProveDialog } from "@/components/second/prove-dialog";
import { Button } from "@/components/ui/button";
import { Confirm, Dialog, DialogActions } from "@/components/ui/dialog";
import { ErrorPanel } from "@/components/ui/error-panel";
import { useToast } from "@/components/ui/toast";
import { useWords } from "@/lib/words";
import { PasswordLink } from "./password-link";
import { peopleWords } from "./words";

interface ResetProps {
  person: Schema<"Person">;
  onClose: () => void;
}

/** Makes a link with which a person sets another password; nobody else ever knows it. */
export function ResetPassword({ person, onClose }: ResetProps) {
  const words = useWords(peopleWords);
  const make = useMutation({
    mutationFn: () => body(api.POST("/api/people/{id}/password-link", { params: { path: { id: person.id } } })),
  });
  return (
    <Dialog open onClose={onClose} title={words.resetTitle(person.name)} lead={make.data ? undefined : words.resetLead}>
      {make.data ? (
        <PasswordLink link={make.data.link} onKept={onClose} />
      ) : (
        <div className="grid gap-4">
          {make.error && <ErrorPanel error={make.error} />}
          <DialogActions>
            <Button onClick={onClose}>{words.cancel}</Button>
            <Button kind="primary" data-first-focus busy={make.isPending} onClick={() => make.mutate()}>{words.makeLink}</Button>
          </DialogActions>
        </div>
      )}
    </Dialog>
  );
}

/** Takes all second steps of a person away, for the day phone and codes are lost. */
export function ResetSecond({ person, onClose }: ResetProps) {
  const words = useWords(peopleWords);
  const toast = useToast();
  const queries = useQueryClient();
  const reset = useMutation({
    mutationFn: () => api.DELETE("/api/people/{id}/factors", { params: { path: { id: person.id } } }),
    onSuccess: () => {
      toast(words.secondToast(person.name));
      onClose();
      return queries.invalidateQueries({ queryKey: key("/api/people/factors") });
    },
  });
  const unproved = reset.error !== null && asProblem(reset.error).code === "prove-again";
  if (unproved) return <ProveDialog onClose={onClose} onProved={() => reset.mutate()} />;
  return (
    <Confirm open onClose={onClose} title={words.secondTitle(person.name)} keep={words.cancel} act={words.resetSecond} busy={reset.isPending} error={reset.error} onAct={() => reset.mutate()}>
      {words.secondLead}
    </Confirm>
  );
}
