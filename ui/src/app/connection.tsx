import { useQueryClient } from "@tanstack/react-query";
import { WifiOff } from "lucide-react";
import { useCallback, useEffect, useRef, useState } from "react";
import { api, onReach, onSessionExpired, onSessionReplaced, setCSRF, signedInAgain } from "@/api/client";
import { asProblem } from "@/api/problem";
import { sessionQuery, useSession } from "@/api/query";
import type { Schema } from "@/api/types";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { useSay } from "@/components/ui/live";
import { SignInForm } from "@/features/login/sign-in-form";
import { pageNotices } from "@/lib/notices";
import { setLook } from "@/lib/preferences";
import { useWords } from "@/lib/words";
import { useIdle } from "./idle-lock";
import { pauseBefore, useNotices } from "./live";
import { appWords } from "./words";

/** Everything between this page and its server: notices, losing it, losing the session. */
export function Connection() {
  return (
    <>
      <Reach />
      <SessionKeeper />
    </>
  );
}

/** Watches whether the server can be reached, says so when not, and tries again. */
function Reach() {
  const words = useWords(appWords);
  const say = useSay();
  const queries = useQueryClient();
  const [attempt, setAttempt] = useState<number | null>(null);
  const [seconds, setSeconds] = useState(0);
  const away = attempt !== null;

  // Any answer will do, also a refusal: it comes from the server.
  const probe = useCallback(() => {
    api.GET("/api/session").catch((error: unknown) => {
      if (asProblem(error).offline) setAttempt((last) => (last ?? 0) + 1);
    });
  }, []);
  useNotices(probe);

  useEffect(
    () =>
      onReach((reached) => {
        setAttempt((last) => (reached ? null : (last ?? 0)));
      }),
    [],
  );
  useEffect(() => {
    addEventListener("offline", probe);
    addEventListener("online", probe);
    return () => {
      removeEventListener("offline", probe);
      removeEventListener("online", probe);
    };
  }, [probe]);

  useEffect(() => {
    if (attempt === null) return;
    let left = Math.max(2, Math.round(pauseBefore(attempt + 1, 1) / 1_000));
    const count = () => {
      setSeconds(left);
      if (left-- === 0) probe();
    };
    const first = setTimeout(count, 0);
    const timer = setInterval(count, 1_000);
    return () => {
      clearTimeout(first);
      clearInterval(timer);
    };
  }, [attempt, probe]);

  const wasAway = useRef(false);
  useEffect(() => {
    if (away === wasAway.current) return;
    wasAway.current = away;
    say(away ? words.offline : words.backOnline);
    if (!away) void queries.invalidateQueries();
  }, [away, say, words, queries]);

  if (!away) return null;
  return (
    <section aria-label={words.connection} className="pointer-events-none fixed inset-x-0 top-2 z-50 grid justify-items-center px-2">
      <div className="note pop-in pointer-events-auto flex max-w-full items-center gap-3 rounded-pop bg-warning-soft py-1.5 ps-3.5 pe-2 text-text shadow-3">
        <WifiOff aria-hidden="true" className="text-warning" />
        <p className="min-w-0">
          <strong className="font-medium">{words.offline}</strong>{" "}
          <span className="num text-muted">{seconds > 0 ? words.offlineNext(seconds) : words.offlineTrying}</span>{" "}
          <span className="max-frame:hidden text-muted">{words.offlineKept}</span>
        </p>
        <Button small onClick={probe}>{words.tryNow}</Button>
      </div>
    </section>
  );
}

/** Asks for the password again when the session has ended, over the page as it is. */
function SessionKeeper() {
  const words = useWords(appWords);
  const queries = useQueryClient();
  const { person } = useSession();
  const [expired, setExpired] = useState(false);
  const [locked, setLocked] = useState(false);
  const [minutes] = useState(() => pageNotices().lockMinutes);

  // Covered is not enough: whoever loads the page again must stand before the door too, so the session ends.
  useIdle(locked ? 0 : minutes, () => {
    setLocked(true);
    api.POST("/api/auth/logout").then(() => setLook({}), () => undefined);
  });
  useEffect(() => {
    if (!locked) return;
    const { title } = document;
    document.title = "ChatETS";
    return () => {
      document.title = title;
    };
  }, [locked]);

  const take = useCallback(
    (session: Schema<"Session">) => {
      // Another person's page must not show what this one has loaded.
      if (session.person.id !== person.id) return location.reload();
      setCSRF(session.csrf);
      queries.setQueryData(sessionQuery.queryKey, session);
    },
    [person.id, queries],
  );
  useEffect(() => onSessionExpired(() => setExpired(true)), []);
  useEffect(() => onSessionReplaced(take), [take]);

  return (
    <Dialog open={expired || locked} cover={locked} onClose={() => undefined} mustChoose title={locked ? words.lockedTitle : words.expiredTitle} lead={locked ? words.lockedLead(person.name) : words.expiredLead}>
      <SignInForm
        email={person.email}
        onEntered={(session) => {
          take(session);
          setExpired(false);
          setLocked(false);
          signedInAgain();
          void queries.invalidateQueries();
        }}
      />
      <p className="mt-3 text-center">
        <Button kind="quiet" onClick={() => location.assign("/sign-in")}>{words.someoneElse}</Button>
      </p>
    </Dialog>
  );
}
