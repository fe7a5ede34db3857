import { useState } from "react";
import { api, body } from "@/api/client";
import type { Schema } from "@/api/types";
import { Button } from "@/components/ui/button";
import { Note } from "@/components/ui/note";
import { useWords } from "@/lib/words";
import { signOnWords } from "./sign-on-words";

interface Door {
  name: string;
  label: string;
}

/** Only the server writes the list, but a proxy may have kept an old page. */
function isDoor(value: unknown): value is Door {
  return typeof value === "object" && value !== null && "name" in value && typeof value.name === "string" && "label" in value && typeof value.label === "string";
}

/** One button for each identity provider; the browser goes there and comes back to /signed-in. */
export function SignOnDoors({ doors }: { doors: readonly unknown[] }) {
  const words = useWords(signOnWords);
  const [going, setGoing] = useState("");
  const [failed, setFailed] = useState(false);

  async function go(name: string) {
    if (going) return;
    setGoing(name);
    setFailed(false);
    const here = location.pathname === "/sign-in" || location.pathname === "/setup" ? "/" : location.pathname + location.search + location.hash;
    try {
      const to: Schema<"StartSignOnResponse"> = await body(api.POST("/api/auth/sso/{name}", { params: { path: { name } }, body: { return: here.slice(0, 500) } }));
      location.assign(to.url);
    } catch {
      setGoing("");
      setFailed(true);
    }
  }

  return (
    <div className="grid gap-3">
      <p aria-hidden="true" className="flex items-center gap-3 text-s text-faint before:h-px before:flex-1 before:bg-line after:h-px after:flex-1 after:bg-line">{words.or}</p>
      {failed && <Note kind="bad">{words.down}</Note>}
      {doors.filter(isDoor).map(({ name, label }) => (
        <Button key={name} wide busy={going === name} onClick={() => void go(name)}>
          <span className="min-w-0 truncate">{words.with(label)}</span>
        </Button>
      ))}
    </div>
  );
}
