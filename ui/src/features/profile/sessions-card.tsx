import { useQuery } from "@tanstack/react-query";
import { Laptop, Smartphone, SquareTerminal } from "lucide-react";
import type { Schema } from "@/api/types";
import { Button } from "@/components/ui/button";
import { ErrorPanel } from "@/components/ui/error-panel";
import { Card } from "@/components/ui/frame";
import { Pill } from "@/components/ui/pill";
import { Loading, Skeleton } from "@/components/ui/skeleton";
import { useToast } from "@/components/ui/toast";
import { useFormat } from "@/lib/format";
import { useWords } from "@/lib/words";
import { type AgentName, nameAgent } from "./agent";
import { sessionsQuery, useEndSession } from "./queries";
import { profileWords } from "./words";

/** Where one is signed in, with the way to end it. */
export function SessionsCard() {
  const words = useWords(profileWords);
  const toast = useToast();
  const { data, error, refetch } = useQuery(sessionsQuery);
  const end = useEndSession();
  const others = data?.items.some((session) => !session.current);
  return (
    <Card
      title={words.sessions}
      actions={
        others && (
          <Button small busy={end.isPending && end.variables === undefined} onClick={() => end.mutate(undefined, { onSuccess: () => toast(words.othersToast) })}>
            {words.endOthers}
          </Button>
        )
      }
    >
      <p className="-mt-1 mb-3 text-muted">{words.sessionsHelp}</p>
      {end.error && <div className="mb-3"><ErrorPanel error={end.error} /></div>}
      {error && !data ? (
        <ErrorPanel error={error} title={words.sessionsFailed} retry={() => void refetch()} />
      ) : !data ? (
        <Loading className="grid gap-3 py-2"><Skeleton className="w-3/5" /><Skeleton className="w-2/5" /></Loading>
      ) : (
        <ul className="-mx-5 -mb-4 border-t border-line">
          {data.items.map((session) => (
            <SessionRow
              key={session.id}
              session={session}
              busy={end.isPending && end.variables === session.id}
              onEnd={() => end.mutate(session.id, { onSuccess: () => toast(words.endedToast) })}
            />
          ))}
        </ul>
      )}
    </Card>
  );
}

function useAgentName(): (agent: AgentName) => string {
  const words = useWords(profileWords);
  return (agent) =>
    agent.kind === "browser" ? words.agentOn(agent.browser, agent.system) : agent.kind === "command" ? words.commandLine : words.unknownAgent;
}

function SessionRow({ session, busy, onEnd }: { session: Schema<"SessionItem">; busy: boolean; onEnd: () => void }) {
  const words = useWords(profileWords);
  const format = useFormat();
  const named = nameAgent(session.agent);
  const name = useAgentName()(named);
  const Icon = named.kind === "command" ? SquareTerminal : named.kind === "browser" && /iPhone|Android/.test(named.system) ? Smartphone : Laptop;
  return (
    <li className="flex items-center gap-3 border-line px-5 py-2.5 not-first:border-t">
      <Icon aria-hidden="true" className="text-muted" />
      <div className="min-w-0 flex-1">
        <p className="truncate" title={session.agent}>{name}</p>
        <p className="num text-s text-muted">
          {session.address}, {session.current ? words.seenNow : words.lastSeen(format.age(session.lastSeen))}
          <span className="max-frame:hidden">, {words.signedIn(format.time(session.createdAt))}</span>
        </p>
      </div>
      {session.current ? (
        <Pill>{words.thisOne}</Pill>
      ) : (
        <Button small kind="quiet" busy={busy} aria-label={words.endNamed(name)} onClick={onEnd}>{words.end}</Button>
      )}
    </li>
  );
}
