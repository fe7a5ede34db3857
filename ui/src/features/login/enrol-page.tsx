import { useState } from "react";
import { api } from "@/api/client";
import { Button } from "@/components/ui/button";
import { Gate } from "./gate";
import { useWords } from "@/lib/words";
import { SetUpApp } from "@/components/second/set-up-app";
import { secondStepWords } from "@/components/second/words";

/** Stands before everything while a second step is overdue. */
export function EnrolPage() {
  const words = useWords(secondStepWords);
  const [begun, setBegun] = useState(false);
  const leave = () => void api.POST("/api/auth/logout").finally(() => location.assign("/sign-in"));
  return (
    <Gate title={words.enrolTitle} lead={words.enrolLead}>
      {begun ? <SetUpApp onDone={() => location.reload()} /> : <Button kind="primary" wide onClick={() => setBegun(true)}>{words.begin}</Button>}
      <Button kind="quiet" wide onClick={leave}>{words.signOut}</Button>
    </Gate>
  );
}
