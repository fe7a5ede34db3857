import { useEffect } from "react";
import { useSay } from "@/components/ui/live";
import { useToast } from "@/components/ui/toast";
import { useWords } from "@/lib/words";
import { useRefresh } from "./queries";
import { type Upload, uploads, useUploads } from "./uploads";
import { knowledgeWords } from "./words";

/** The uploads of one knowledge base, and how more are added to them. */
export function useUploading(knowledge: string): { list: readonly Upload[]; add: (files: readonly File[]) => void } {
  const words = useWords(knowledgeWords);
  const toast = useToast();
  const say = useSay();
  const refresh = useRefresh();
  const all = useUploads();
  const list = all.filter((upload) => upload.knowledge === knowledge);
  const busy = all.some((upload) => upload.state === "waiting" || upload.state === "sending");

  useEffect(() => {
    uploads.onTaken = refresh;
    uploads.onSettled = (own) => {
      const taken = own.filter((upload) => upload.state === "done").length;
      const refused = own.filter((upload) => upload.state === "refused").length;
      if (taken > 0) toast(words.uploaded(taken));
      if (refused > 0) say(words.refused(refused));
    };
  });

  useEffect(() => {
    if (!busy) return;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener("beforeunload", warn);
    return () => removeEventListener("beforeunload", warn);
  }, [busy]);

  return { list, add: (files) => uploads.add(knowledge, files) };
}
