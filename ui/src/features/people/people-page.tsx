import { useInfiniteQuery } from "@tanstack/react-query";
import { Plus, Search, Users } from "lucide-react";
import { useDeferredValue, useEffect, useState } from "react";
import { useSession } from "@/api/query";
import type { Schema } from "@/api/types";
import { Button } from "@/components/ui/button";
import { Empty } from "@/components/ui/empty";
import { ErrorPanel } from "@/components/ui/error-panel";
import { TextField } from "@/components/ui/field";
import { PageBody, PageTitle, Topbar } from "@/components/ui/frame";
import { SkeletonRows } from "@/components/ui/skeleton";
import { useToast } from "@/components/ui/toast";
import { administers } from "@/lib/roles";
import { useWords } from "@/lib/words";
import { AddPerson } from "./add-person";
import { ChangeRoles } from "./change-roles";
import { PeopleTable, type PersonAct } from "./people-table";
import { peopleQuery, useChangePerson } from "./queries";
import { ResetPassword, ResetSecond } from "./reset-password";
import { peopleWords } from "./words";

/** Who may sign in, and with which roles; for administrators. */
export function PeoplePage() {
  const words = useWords(peopleWords);
  const { person } = useSession();
  useEffect(() => {
    document.title = `${words.title} · ChatETS`;
  }, [words]);
  return (
    <>
      <Topbar>{words.title}</Topbar>
      <PageBody>
        {administers(person) ? (
          <People />
        ) : (
          <Empty heading icon={Users} title={words.forbidden}>{words.forbiddenLead}</Empty>
        )}
      </PageBody>
    </>
  );
}

function People() {
  const words = useWords(peopleWords);
  const toast = useToast();
  const { workspace } = useSession();
  const [typed, setTyped] = useState("");
  const q = useDeferredValue(typed.trim());
  const list = useInfiniteQuery(peopleQuery(q));
  const change = useChangePerson();
  const [adding, setAdding] = useState(false);
  const [open, setOpen] = useState<{ act: "roles" | "password" | "second"; person: Schema<"Person"> } | null>(null);

  function setDisabled(person: Schema<"Person">, disabled: boolean) {
    change.mutate(
      { person, change: { disabled } },
      {
        onSuccess: () =>
          toast(disabled ? words.disabledToast(person.name) : words.enabledToast(person.name), () => setDisabled(person, !disabled)),
      },
    );
  }

  function act(wanted: PersonAct, person: Schema<"Person">) {
    change.reset();
    if (wanted === "disable" || wanted === "enable") setDisabled(person, wanted === "disable");
    else setOpen({ act: wanted, person });
  }

  const people = list.data?.pages.flatMap((page) => page.items);
  return (
    <>
      <PageTitle
        title={words.title}
        lead={words.lead(workspace.name)}
        actions={<Button kind="primary" onClick={() => setAdding(true)}><Plus aria-hidden="true" />{words.add}</Button>}
      />
      <TextField
        hideLabel
        icon={Search}
        type="search"
        label={words.find}
        placeholder={words.find}
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
        className="mb-3 max-w-72"
      />
      {change.error && (
        <div className="mb-3">
          <ErrorPanel error={change.error} title={words.changeFailed(change.variables.person.name)} />
        </div>
      )}
      {list.error && !people ? (
        <ErrorPanel error={list.error} title={words.listFailed} retry={() => void list.refetch()} />
      ) : !people ? (
        <SkeletonRows rows={6} />
      ) : people.length === 0 ? (
        <Empty icon={Search} title={words.none}>{words.noneLead}</Empty>
      ) : (
        <PeopleTable
          people={people}
          onAct={act}
          foot={
            list.hasNextPage && (
              <Button small kind="quiet" busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>{words.more}</Button>
            )
          }
        />
      )}
      <AddPerson open={adding} onClose={() => setAdding(false)} />
      {open?.act === "roles" && <ChangeRoles person={open.person} onClose={() => setOpen(null)} />}
      {open?.act === "password" && <ResetPassword person={open.person} onClose={() => setOpen(null)} />}
      {open?.act === "second" && <ResetSecond person={open.person} onClose={() => setOpen(null)} />}
    </>
  );
}
