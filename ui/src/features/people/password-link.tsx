import { useState } from "react";
import { Button } from "@/components/ui/button";
import { Note } from "@/components/ui/note";
import { useWords } from "@/lib/words";
import { peopleWords } from "./words";

/** A link to set a password with, shown this once. */
export function PasswordLink({ link, onKept }: { link: string; onKept: () => void }) {
  const words = useWords(peopleWords);
  const [copied, setCopied] = useState(false);
  return (
    <div className="grid gap-4">
      <Note kind="care">{words.linkOnce}</Note>
      <code aria-label={words.link} className="rounded-m bg-sunken px-4 py-3 break-all select-all">{link}</code>
      <div className="flex flex-wrap gap-2">
        <Button kind="primary" onClick={() => void navigator.clipboard.writeText(link).then(() => setCopied(true))}>{copied ? words.linkCopied : words.linkCopy}</Button>
        <Button onClick={onKept}>{words.linkDone}</Button>
      </div>
    </div>
  );
}
