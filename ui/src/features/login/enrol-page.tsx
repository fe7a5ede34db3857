import { useState } from "react";
import { api } from "@/api/client";
import { SetUpApp } from "@/components/second/set-up-app";
import { SetUpPasskey } from "@/components/second/set-up-passkey";
import { useFactors } from "@/components/second/use-factors";
import { secondStepWords } from "@/components/second/words";
import { Button } from "@/components/ui/button";
import { canUsePasskeys } from "@/lib/passkey";
import { useWords } from "@/lib/words";
import { Gate } from "./gate";

/** Stands before everything while a second step is overdue. */
export function EnrolPage() {
  const words = useWords(secondStepWords);
  const { data } = useFactors();
  const [begun, setBegun] = useState<"" | "app" | "passkey">("");
  const leave = () => void api.POST("/api/auth/logout").finally(() => location.assign("/sign-in"));
  const done = () => location.reload();
  return (
    <Gate title={words.enrolTitle} lead={words.enrolLead}>
      {begun === "app" ? (
        <SetUpApp onDone={done} onCancel={() => setBegun("")} />
      ) : begun === "passkey" ? (
        <SetUpPasskey onDone={done} onCancel={() => setBegun("")} />
      ) : (
        <>
          {data?.passkeyOffer && canUsePasskeys() && <Button kind="primary" wide onClick={() => setBegun("passkey")}>{words.addPasskey}</Button>}
          <Button kind={data?.passkeyOffer ? "plain" : "primary"} wide onClick={() => setBegun("app")}>{words.setUp}</Button>
        </>
      )}
      <Button kind="quiet" wide onClick={leave}>{words.signOut}</Button>
    </Gate>
  );
}
