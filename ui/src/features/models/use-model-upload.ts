import { useEffect, useRef, useState } from "react";
import { useToast } from "@/components/ui/toast";
import { useWords } from "@/lib/words";
import { useRefresh } from "./queries";
import { sendModelFile } from "./send-file";
import { modelWords } from "./words";

interface Sending {
  name: string;
  size: number;
  sent: number;
  error?: unknown;
}

export interface ModelUpload {
  /** The file on its way, or refused on it. */
  sending: Sending | null;
  running: boolean;
  send: (file: File) => Promise<void>;
  stop: () => void;
}

/** The way of a file from the browser into the folder. The page holds it, so that it goes on while another tab is looked at. */
export function useModelUpload(): ModelUpload {
  const words = useWords(modelWords);
  const toast = useToast();
  const refresh = useRefresh();
  const end = useRef<AbortController | null>(null);
  const [sending, setSending] = useState<Sending | null>(null);
  // A page that is left takes its upload with it: nobody would see it end.
  useEffect(() => () => end.current?.abort(), []);

  async function send(file: File) {
    const stop = new AbortController();
    end.current = stop;
    const now = { name: file.name, size: file.size, sent: 0 };
    setSending(now);
    try {
      await sendModelFile(file, (sent) => setSending({ ...now, sent }), stop.signal);
      setSending(null);
      toast(words.uploaded(file.name));
    } catch (error) {
      setSending(stop.signal.aborted ? null : { ...now, error });
    }
    await refresh();
  }

  return { sending, running: sending !== null && !sending.error, send, stop: () => end.current?.abort() };
}
