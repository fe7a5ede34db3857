import { useState } from "react";
import { Button } from "@/components/ui/button";
import { Note } from "@/components/ui/note";
import { useWords } from "@/lib/words";
import { secondStepWords } from "./words";

/** Recovery codes, shown this once. */
export function RecoveryCodes({ codes, onKept }: { codes: string[]; onKept: () => void }) {
  const words = useWords(secondStepWords);
  const [copied, setCopied] = useState(false);
  return (
    <div className="grid gap-4">
      <Note kind="care">{words.codesLead}</Note>
      <ul aria-label={words.codesTitle} className="grid grid-cols-[repeat(auto-fit,minmax(12rem,1fr))] gap-x-6 gap-y-1 rounded-m bg-sunken px-4 py-3 font-mono">
        {codes.map((code) => <li key={code} className="select-all">{code}</li>)}
      </ul>
      <div className="flex flex-wrap gap-2">
        <Button kind="primary" onClick={onKept}>{words.kept}</Button>
        <Button onClick={() => print()}>{words.print}</Button>
        <Button onClick={() => void navigator.clipboard.writeText(codes.join("\n")).then(() => setCopied(true))}>{copied ? words.copied : words.copy}</Button>
      </div>
    </div>
  );
}
