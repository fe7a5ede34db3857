import { useQuery } from "@tanstack/react-query";
import { CircleCheck, CircleOff, CircleSlash, Clock, Ellipsis, FlaskConical, History, Pencil, Power, RefreshCw, Server as ServerIcon, Trash2 } from "lucide-react";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { Confirm } from "@/components/ui/dialog";
import { Empty } from "@/components/ui/empty";
import { ErrorPanel } from "@/components/ui/error-panel";
import { IconButton } from "@/components/ui/icon-button";
import { Menu, MenuItem, MenuLine } from "@/components/ui/menu";
import { Note } from "@/components/ui/note";
import { Pill } from "@/components/ui/pill";
import { SkeletonRows } from "@/components/ui/skeleton";
import { useToast } from "@/components/ui/toast";
import { useFormat } from "@/lib/format";
import { useWords } from "@/lib/words";
import { flavourOf } from "./flavour";
import { HistoryDialog } from "./history-dialog";
import { type Server, serversQuery, useChangeServer, useRefreshServer, useRemoveServer } from "./queries";
import { ServerDialog } from "./server-dialog";
import { TestDialog } from "./test-dialog";
import { modelWords } from "./words";

type Act = "edit" | "test" | "history" | "remove";

/** One card for each server: how it is, what it does, what is wrong with it. */
export function ServersTab({ onAdd }: { onAdd: () => void }) {
  const words = useWords(modelWords);
  const toast = useToast();
  const servers = useQuery(serversQuery);
  const change = useChangeServer();
  const refresh = useRefreshServer();
  const remove = useRemoveServer();
  const [open, setOpen] = useState<{ act: Act; server: Server } | null>(null);
  const close = () => setOpen(null);
  const enable = (server: Server, on: boolean, undo?: () => void) =>
    change.mutate({ id: server.id, change: { enabled: on } }, { onSuccess: () => toast(on ? words.turnedOn(server.name) : words.turnedOff(server.name), undo) });

  if (servers.isPending) return <SkeletonRows rows={3} />;
  if (!servers.data) return <ErrorPanel title={words.serversFailed} error={servers.error} retry={() => void servers.refetch()} />;
  if (servers.data.items.length === 0) {
    return (
      <Empty icon={ServerIcon} title={words.noServers} action={<Button kind="primary" onClick={onAdd}>{words.add}</Button>}>
        {words.noServersLead}
      </Empty>
    );
  }
  const failure = change.error ?? refresh.error;
  return (
    <>
      {failure && <div className="mb-3"><ErrorPanel title={words.failed} error={failure} /></div>}
      <ul className="grid gap-4">
        {servers.data.items.map((server) => (
          <ServerCard
            key={server.id}
            server={server}
            busy={refresh.isPending && refresh.variables === server.id}
            onAct={(act) => {
              remove.reset();
              setOpen({ act, server });
            }}
            onRefresh={() => refresh.mutate(server.id, { onSuccess: () => toast(words.refreshed(server.name)) })}
            onEnable={(on) => enable(server, on, () => enable(server, !on))}
          />
        ))}
      </ul>
      {open?.act === "edit" && <ServerDialog server={open.server} onClose={close} />}
      {open?.act === "test" && <TestDialog server={open.server} onClose={close} />}
      {open?.act === "history" && <HistoryDialog server={open.server} onClose={close} />}
      {open?.act === "remove" && (
        <Confirm
          open
          onClose={close}
          title={words.removeTitle(open.server.name)}
          keep={words.keep}
          act={words.removeAct}
          busy={remove.isPending}
          error={remove.error}
          onAct={() =>
            remove.mutate(open.server.id, {
              onSuccess: () => {
                toast(words.removed(open.server.name));
                close();
              },
            })
          }
        >
          {words.removeLead}
        </Confirm>
      )}
    </>
  );
}

interface CardProps {
  server: Server;
  busy: boolean;
  onAct: (act: Act) => void;
  onRefresh: () => void;
  onEnable: (on: boolean) => void;
}

function ServerCard({ server, busy, onAct, onRefresh, onEnable }: CardProps) {
  const words = useWords(modelWords);
  const format = useFormat();
  const facts = [
    server.flavour && `${flavourOf(server.flavour)} ${server.version}`.trim(),
    words.models(server.models, format.number(server.models)),
    server.enabled && server.state !== "down" && words.load(format.number(server.working), format.number(server.slots)),
    server.waiting > 0 && words.waiting(server.waiting, format.number(server.waiting)),
    server.enabled && server.state === "ok" && words.latency(format.number(server.latencyMs)),
  ].filter(Boolean);
  return (
    <li className="card min-w-0 rounded-m bg-raised px-5 py-4 card-edge">
      <div className="flex items-start gap-3">
        <div className="min-w-0 flex-1">
          <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
            <h2 className="text-m break-words">{server.name}</h2>
            <ServerState server={server} />
          </div>
          <p className="mt-1 font-code text-xs break-all text-muted">{server.url}</p>
          <p className="num mt-1 text-s text-muted">{facts.join(" · ")}</p>
        </div>
        <Button small aria-label={`${words.test}: ${server.name}`} onClick={() => onAct("test")}><FlaskConical aria-hidden="true" className="size-4" />{words.test}</Button>
        <Menu trigger={<IconButton small icon={Ellipsis} label={words.menuOf(server.name)} />}>
          <MenuItem icon={Pencil} onSelect={() => onAct("edit")}>{words.edit}</MenuItem>
          {server.enabled && <MenuItem icon={RefreshCw} disabled={busy} onSelect={onRefresh}>{words.refresh}</MenuItem>}
          <MenuItem icon={History} onSelect={() => onAct("history")}>{words.history}</MenuItem>
          <MenuItem icon={Power} onSelect={() => onEnable(!server.enabled)}>{server.enabled ? words.turnOff : words.turnOn}</MenuItem>
          <MenuLine />
          <MenuItem danger icon={Trash2} onSelect={() => onAct("remove")}>{words.remove}</MenuItem>
        </Menu>
      </div>
      {server.enabled && server.why && (
        <Note kind={server.state === "down" ? "bad" : "care"} className="mt-3">
          {server.why} {server.cure && <span className="text-muted">{server.cure}</span>}
        </Note>
      )}
      {server.enabled && server.warnings.map((warning) => <Note key={warning} kind="care" className="mt-3">{warning}</Note>)}
    </li>
  );
}

/** The state of a server as a pill, with how long it has lasted. */
export function ServerState({ server }: { server: Server }) {
  const words = useWords(modelWords);
  const format = useFormat();
  if (!server.enabled) return <Pill icon={CircleSlash}>{words.states.off}</Pill>;
  const since = server.since && server.state !== "ok" ? ` ${words.since(format.age(server.since))}` : "";
  switch (server.state) {
    case "ok":
      return <Pill kind="ok" icon={CircleCheck}>{words.states.ok}</Pill>;
    case "down":
      return <Pill kind="bad" icon={CircleOff}>{words.states.down + since}</Pill>;
    case "busy":
      return <Pill kind="live">{words.states.busy + since}</Pill>;
    default:
      return <Pill icon={Clock}>{words.states.unknown}</Pill>;
  }
}
