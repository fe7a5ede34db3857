import { useEffect, useRef, useState } from "react";
import { api, body, setCSRF } from "@/api/client";
import { asProblem } from "@/api/problem";
import type { Schema } from "@/api/types";
import { Button } from "@/components/ui/button";
import { Note } from "@/components/ui/note";
import { useWords } from "@/lib/words";
import { Gate } from "./gate";
import { SecondForm } from "./second-form";
import { signOnWords } from "./sign-on-words";

const names = ["provider", "state", "code", "iss", "error", "error_description", "ticket"] as const;

/** What an identity provider sent back, out of the fragment of the address. */
export function broughtBack(hash: string): Partial<Record<(typeof names)[number], string>> | null {
  const values = new URLSearchParams(hash.replace(/^#/, ""));
  if (values.has("failed")) return null;
  const found: Partial<Record<(typeof names)[number], string>> = {};
  for (const name of names) {
    const value = values.get(name);
    if (value) found[name] = value;
  }
  return Object.keys(found).length > 0 ? found : null;
}

/** Whoever is signed in here already needs the page's token for what follows. */
async function takeToken() {
  try {
    setCSRF((await body(api.GET("/api/session"))).csrf);
  } catch (error) {
    if (asProblem(error).status !== 401) throw error;
  }
}

interface SignedInPageProps {
  onEntered: (session: Schema<"Session">) => void;
}

/**
 * Where browsers land after an identity provider. The cookies of this origin come
 * along only with what a page of this origin asks for, and here is that page.
 */
export function SignedInPage({ onEntered }: SignedInPageProps) {
  const words = useWords(signOnWords);
  const [second, setSecond] = useState<Schema<"Second"> | null>(null);
  const [failed, setFailed] = useState<unknown>(null);
  const back = useRef("/");
  const begun = useRef(false);

  useEffect(() => {
    if (begun.current) return; // what was brought back can be used once
    begun.current = true;
    const brought = broughtBack(location.hash);
    history.replaceState(null, "", "/signed-in"); // a code has no business in the history
    const finish = async () => {
      if (!brought) throw new Error("nothing was brought back");
      await takeToken();
      const done = await body(api.POST("/api/auth/sso", { body: brought }));
      back.current = done.return?.startsWith("/") ? done.return : "/";
      if (!done.login) return location.assign(back.current);
      if (done.login.second) return setSecond(done.login.second);
      if (done.login.csrf) setCSRF(done.login.csrf);
      const session = await body(api.GET("/api/session"));
      history.replaceState(null, "", back.current);
      onEntered(session);
    };
    finish().catch((error: unknown) => setFailed(error ?? true));
  }, [onEntered]);

  const away = () => location.assign("/sign-in");
  if (failed !== null) {
    const often = asProblem(failed).status === 429;
    return (
      <Gate title={words.failedTitle} lead="">
        <Note kind="bad">{often ? words.tooOften : words.failedLead}</Note>
        <Button kind="primary" wide onClick={away}>{words.back}</Button>
      </Gate>
    );
  }
  if (second) {
    const entered = (session: Schema<"Session">) => {
      history.replaceState(null, "", back.current);
      onEntered(session);
    };
    return (
      <Gate title={words.secondTitle} lead={words.secondLead}>
        <SecondForm second={second} onEntered={entered} onBack={away} />
      </Gate>
    );
  }
  return <Gate title={words.title} lead={words.lead}>{null}</Gate>;
}
