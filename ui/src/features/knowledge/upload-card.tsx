import { FileText, RotateCcw, X } from "lucide-react";
import { useEffect, useState } from "react";
import { Button } from "@/components/ui/button";
import { useProblemText } from "@/components/ui/error-panel";
import { Card } from "@/components/ui/frame";
import { IconButton } from "@/components/ui/icon-button";
import { Progress } from "@/components/ui/progress";
import { uiWords } from "@/components/ui/words";
import { cx } from "@/lib/cx";
import { useFormat } from "@/lib/format";
import { useWords } from "@/lib/words";
import { type Upload, uploads } from "./uploads";
import { knowledgeWords } from "./words";

/** The files on their way, and those that were refused, each with its reason. */
export function UploadCard({ list, knowledge }: { list: readonly Upload[]; knowledge: string }) {
  const words = useWords(knowledgeWords);
  const format = useFormat();
  const going = list.filter((upload) => upload.state === "waiting" || upload.state === "sending");
  const refused = list.filter((upload) => upload.state === "refused");
  const counted = list.filter((upload) => upload.state !== "refused");
  const sent = counted.reduce((sum, upload) => sum + Math.min(upload.sent, upload.size), 0);
  const size = counted.reduce((sum, upload) => sum + upload.size, 0);
  const left = useTimeLeft(sent, size, going.length > 0);
  return (
    <section aria-label={words.uploads} className="mb-4">
      <Card
        title={
          <span className="flex min-w-0 flex-wrap items-baseline gap-x-2">
            {going.length > 0 ? words.uploading(going.length) : words.refused(refused.length)}
            {going.length > 0 && (
              <span className="num text-s font-regular text-muted">
                {words.of(format.bytes(sent), format.bytes(size))}
                {left !== undefined && `, ${words.about(format.number(left))}`}
              </span>
            )}
          </span>
        }
        actions={
          <Button kind="quiet" small onClick={() => uploads.clear(knowledge)}>
            {going.length > 0 ? words.stopAll : words.dismissAll}
          </Button>
        }
      >
        <ul className="grid gap-x-6 frame:grid-cols-2 wide:grid-cols-3">
          {list.map((upload) => (
            <UploadRow key={upload.id} upload={upload} />
          ))}
        </ul>
      </Card>
    </section>
  );
}

function UploadRow({ upload }: { upload: Upload }) {
  const words = useWords(knowledgeWords);
  const format = useFormat();
  const reason = useReason(upload);
  const refused = upload.state === "refused";
  return (
    <li className={cx("flex min-h-11 min-w-0 gap-3 py-1.5", refused ? "col-span-full items-start" : "items-center")}>
      <FileText aria-hidden="true" className={cx("flex-none", refused ? "mt-px text-danger" : "text-muted")} />
      <div className="min-w-0 flex-1">
        <p className="flex min-w-0 items-baseline gap-3">
          <span className="min-w-0 flex-1 truncate" title={upload.name}>{upload.name}</span>
          {!refused && (
            <span className="num flex-none text-s text-muted">
              {upload.state === "waiting" ? words.waiting : words.of(format.bytes(Math.min(upload.sent, upload.size)), format.bytes(upload.size))}
            </span>
          )}
        </p>
        {refused ? (
          <p className="text-s">
            <span className="text-danger">{reason.cause}</span> <span className="text-muted">{reason.cure}</span>
            {reason.request && <span className="text-muted"> {reason.request}</span>}
          </p>
        ) : (
          <Progress className="mt-1.5" label={words.progressOf(upload.name)} done={upload.sent} total={upload.size} />
        )}
      </div>
      {refused && mayHelp(upload) && (
        <IconButton small icon={RotateCcw} label={words.againOne(upload.name)} onClick={() => uploads.again(upload.id)} />
      )}
      <IconButton small icon={X} label={refused ? words.dismiss(upload.name) : words.stopOne(upload.name)} onClick={() => uploads.remove(upload.id)} />
    </li>
  );
}

/** Whether sending the same file again can end otherwise: what the server will not read stays unread. */
function mayHelp({ problem }: Upload): boolean {
  if (!problem || problem.code === "empty") return false;
  return ![400, 403, 404, 413, 415, 422].includes(problem.status);
}

function useReason({ problem }: Upload): { cause: string; cure: string; request: string } {
  const words = useWords(knowledgeWords);
  const ui = useWords(uiWords);
  const text = useProblemText();
  if (!problem) return { cause: "", cure: "", request: "" };
  if (problem.code === "empty") return { cause: words.emptyFile, cure: words.emptyFileCure, request: "" };
  if (problem.code === "unreadable") return { cause: words.unreadableFile, cure: words.unreadableFileCure, request: "" };
  if (problem.offline) return { cause: words.lostUpload, cure: words.lostUploadCure, request: "" };
  return { ...text(problem), request: problem.request ? ui.request(problem.request) : "" };
}

/** Seconds that are left, measured over the whole upload; nothing is said before it can be known. */
function useTimeLeft(sent: number, size: number, going: boolean): number | undefined {
  const [start, setStart] = useState<{ at: number; sent: number }>();
  const [now, setNow] = useState(0);
  useEffect(() => {
    if (!going) return;
    const begin = () => setStart({ at: Date.now(), sent });
    const first = setTimeout(begin, 0);
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => {
      clearTimeout(first);
      clearInterval(timer);
      setStart(undefined);
    };
    // The start is where it stood when the uploads began.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [going]);
  if (!going || !start || now - start.at < 2_000 || sent <= start.sent) return undefined;
  const rate = (sent - start.sent) / (now - start.at);
  const left = (size - sent) / rate / 1_000;
  return left < 3 ? undefined : Math.ceil(left);
}
