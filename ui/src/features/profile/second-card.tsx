import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, body } from "@/api/client";
import { asProblem } from "@/api/problem";
import { key } from "@/api/query";
import { Button } from "@/components/ui/button";
import { ErrorPanel } from "@/components/ui/error-panel";
import { Card } from "@/components/ui/frame";
import { Loading, Skeleton } from "@/components/ui/skeleton";
import { useToast } from "@/components/ui/toast";
import { useFormat } from "@/lib/format";
import { useWords } from "@/lib/words";
import { ProveDialog } from "@/components/second/prove-dialog";
import { RecoveryCodes } from "@/components/second/recovery-codes";
import { SetUpApp } from "@/components/second/set-up-app";
import { secondStepWords } from "@/components/second/words";
import { Passkeys } from "./passkeys";

/** Which second steps one has. */
export const factorsQuery = queryOptions({
  queryKey: key("/api/factors"),
  queryFn: ({ signal }) => body(api.GET("/api/factors", { signal })),
});

type Act = "codes" | "devices" | "away";

/** The second step of one's sign-in, in the profile. */
export function SecondCard() {
  const words = useWords(secondStepWords);
  const format = useFormat();
  const toast = useToast();
  const queries = useQueryClient();
  const { data, error, refetch } = useQuery(factorsQuery);
  const [setting, setSetting] = useState(false);
  const [codes, setCodes] = useState<string[] | null>(null);
  const again = () => queries.invalidateQueries({ queryKey: factorsQuery.queryKey });
  const act = useMutation({
    mutationFn: async (what: Act) => {
      if (what === "codes") setCodes((await body(api.POST("/api/factors/recovery"))).recoveryCodes);
      else if (what === "devices") await api.DELETE("/api/factors/devices");
      else await api.DELETE("/api/factors/totp");
    },
    onSuccess: (_, what) => {
      if (what !== "codes") toast(what === "devices" ? words.forgotten : words.takenAway);
      return again();
    },
  });
  const unproved = act.error !== null && asProblem(act.error).code === "prove-again";
  const done = () => {
    setSetting(false);
    setCodes(null);
    void again();
  };

  let inside;
  if (error && !data) inside = <ErrorPanel error={error} title={words.loadFailed} retry={() => void refetch()} />;
  else if (!data) inside = <Loading className="grid gap-3 py-2"><Skeleton className="w-3/5" /></Loading>;
  else if (codes) inside = <RecoveryCodes codes={codes} onKept={done} />;
  else if (setting) inside = <SetUpApp onDone={done} onCancel={done} />;
  else if (data.password) inside = <div className="grid justify-items-start gap-3"><p>{words.none} {data.required && words.required}</p><Button onClick={() => setSetting(true)}>{words.setUp}</Button></div>;
  else
    inside = (
      <div className="grid gap-3">
        <p>
          {data.since && words.since(format.date(data.since))} {words.codesLeft(data.recoveryCodes)} {data.devices > 0 && words.devices(data.devices)}
        </p>
        <div className="flex flex-wrap gap-2">
          {!data.totp && <Button onClick={() => setSetting(true)}>{words.setUp}</Button>}
          <Button busy={act.isPending && act.variables === "codes"} onClick={() => act.mutate("codes")}>{words.newCodes}</Button>
          {data.devices > 0 && <Button busy={act.isPending && act.variables === "devices"} onClick={() => act.mutate("devices")}>{words.forget}</Button>}
          {data.totp && <Button kind="danger" busy={act.isPending && act.variables === "away"} onClick={() => act.mutate("away")}>{words.takeAway}</Button>}
        </div>
      </div>
    );
  return (
    <Card title={words.title}>
      <p className="-mt-1 mb-3 text-muted">{words.lead}</p>
      {act.error && !unproved && <div className="mb-3"><ErrorPanel error={act.error} /></div>}
      {inside}
      {data && <Passkeys factors={data} onChanged={() => void again()} />}
      {unproved && act.variables && <ProveDialog onClose={act.reset} onProved={() => act.mutate(act.variables)} />}
    </Card>
  );
}
