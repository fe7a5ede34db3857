import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { RefreshCw } from "lucide-react";
import { type FormEvent, useEffect, useState } from "react";
import { api, body } from "@/api/client";
import { asProblem } from "@/api/problem";
import { useSession } from "@/api/query";
import type { Schema } from "@/api/types";
import { Button } from "@/components/ui/button";
import { Confirm } from "@/components/ui/dialog";
import { Empty } from "@/components/ui/empty";
import { ErrorPanel } from "@/components/ui/error-panel";
import { TextField } from "@/components/ui/field";
import { Card, PageBody, PageTitle, Topbar } from "@/components/ui/frame";
import { Note } from "@/components/ui/note";
import { SkeletonRows } from "@/components/ui/skeleton";
import { useFormat } from "@/lib/format";
import { administers } from "@/lib/roles";
import { useWords } from "@/lib/words";
import { scimQuery } from "./queries";
import { directoryWords } from "./words";

/** The identity systems that provision people by SCIM 2.0; for administrators. */
export function ScimPage() {
  const words = useWords(directoryWords);
  const { person } = useSession();
  useEffect(() => {
    document.title = `${words.scim} · ChatETS`;
  }, [words]);
  return (
    <>
      <Topbar>{words.scim}</Topbar>
      <PageBody>{administers(person) ? <Clients /> : <Empty heading icon={RefreshCw} title={words.forbidden}>{words.forbiddenLead}</Empty>}</PageBody>
    </>
  );
}

type Act = { act: "renew" | "remove"; client: Schema<"ScimClient"> };

function Clients() {
  const words = useWords(directoryWords);
  const format = useFormat();
  const queries = useQueryClient();
  const { data, error, refetch } = useQuery(scimQuery);
  const [name, setName] = useState("");
  const [told, setTold] = useState<Schema<"ScimClient"> | null>(null);
  const [asked, setAsked] = useState<Act | null>(null);
  const again = () => queries.invalidateQueries({ queryKey: scimQuery.queryKey });
  const add = useMutation({
    mutationFn: () => body(api.POST("/api/scim", { body: { name: name.trim() } })),
    onSuccess: (client) => {
      setTold(client);
      setName("");
      return again();
    },
  });
  const act = useMutation({
    mutationFn: async ({ act, client }: Act) => {
      const path = { params: { path: { id: client.id } } };
      if (act === "renew") setTold(await body(api.POST("/api/scim/{id}/token", path)));
      else await api.DELETE("/api/scim/{id}", path);
    },
    onSuccess: () => {
      setAsked(null);
      return again();
    },
  });
  const problem = add.error ? asProblem(add.error) : null;
  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    if (!add.isPending && name.trim()) add.mutate();
  }
  return (
    <>
      <PageTitle title={words.scim} lead={words.scimLead} />
      <div className="grid gap-4">
        {told?.token && (
          <Card title={words.scimToken(told.name)}>
            <div className="grid gap-3">
              <Note kind="care">{words.scimOnce}</Note>
              <code className="rounded-m bg-sunken px-4 py-3 break-all select-all">{told.token}</code>
              <p className="text-muted">{words.scimAddress} <code className="break-all select-all">{told.url}</code></p>
              <div><Button kind="primary" onClick={() => setTold(null)}>{words.scimKept}</Button></div>
            </div>
          </Card>
        )}
        <Card title={words.scimAdd}>
          <form noValidate onSubmit={submit} className="grid gap-3">
            {problem && !problem.field("name") && <ErrorPanel error={add.error} />}
            <TextField label={words.name} help={words.nameHelp} name="client" autoComplete="off" value={name} onChange={(event) => setName(event.target.value)} error={problem?.field("name")} className="max-w-80" />
            <div><Button type="submit" kind="primary" busy={add.isPending}>{words.scimMake}</Button></div>
          </form>
        </Card>
        {error && !data ? (
          <ErrorPanel error={error} title={words.failed} retry={() => void refetch()} />
        ) : !data ? (
          <SkeletonRows rows={3} />
        ) : (
          data.items.map((client) => (
            <Card key={client.id} title={client.name}>
              <p className="num mb-3 text-muted">
                <code className="break-all">{client.url}</code> · {client.lastUsed ? words.scimUsed(format.age(client.lastUsed)) : words.scimUnused}
              </p>
              <div className="flex flex-wrap gap-2">
                <Button onClick={() => setAsked({ act: "renew", client })}>{words.scimRenew}</Button>
                <Button kind="danger" onClick={() => setAsked({ act: "remove", client })}>{words.remove}</Button>
              </div>
            </Card>
          ))
        )}
      </div>
      {asked && (
        <Confirm
          open
          onClose={() => {
            setAsked(null);
            act.reset();
          }}
          title={asked.act === "renew" ? words.scimRenewTitle(asked.client.name) : words.removeTitle(asked.client.name)}
          keep={words.keep}
          act={asked.act === "renew" ? words.scimRenew : words.remove}
          busy={act.isPending}
          error={act.error}
          onAct={() => act.mutate(asked)}
        >
          {asked.act === "renew" ? words.scimRenewLead : words.removeLead}
        </Confirm>
      )}
    </>
  );
}
