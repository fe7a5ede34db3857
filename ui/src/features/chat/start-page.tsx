import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { BookPlus, Hourglass } from "lucide-react";
import { useRef, useState } from "react";
import { knowledgeListQuery } from "@/api/knowledge";
import { Button } from "@/components/ui/button";
import { ErrorPanel } from "@/components/ui/error-panel";
import { Topbar } from "@/components/ui/frame";
import { IconButton } from "@/components/ui/icon-button";
import { useFormat } from "@/lib/format";
import { useWords } from "@/lib/words";
import { useBegin } from "./ask";
import { Composer, type ComposerHandle } from "./composer";
import { KnowledgePicker } from "./knowledge-picker";
import { ModelPicker } from "./model-picker";
import { roomQuery, useModels } from "./models";
import { Suggestions } from "./suggestions";
import { chatWords } from "./words";

/** A new chat: one question in the middle of the page. */
export function StartPage() {
  const words = useWords(chatWords);
  const navigate = useNavigate();
  const composer = useRef<ComposerHandle>(null);
  const [knowledge, setKnowledge] = useState<string[]>([]);
  const [model, setModel] = useState("");
  const [temporary, setTemporary] = useState(false);
  const models = useModels();
  const writer = models.answering(model)?.name ?? "";
  const room = useQuery({ ...roomQuery("", writer), enabled: writer !== "" }).data;
  const begin = useBegin((conversation) => void navigate({ to: "/c/$conversation", params: { conversation } }));
  const send = (message: string) => begin.mutate({ message, temporary, knowledge, model: model || undefined, writer }, { onError: (error) => composer.current?.restore(message, error) });
  return (
    <>
      <Topbar actions={<IconButton icon={Hourglass} label={words.temporaryChat} pressed={temporary} onClick={() => setTemporary(!temporary)} />} />
      <div className="thin-scroll flex min-h-0 flex-1 flex-col overflow-y-auto px-4 frame:px-6">
        <div className="m-auto w-full max-w-column pt-2 pb-[9vh]">
          <h1 className="text-center text-3xl font-[560] tracking-[-0.03em] text-balance">{words.question}</h1>
          {temporary ? <p className="mt-1.5 mb-6 text-center text-muted">{words.temporaryHelp}</p> : <Lead chosen={knowledge} />}
          {begin.error ? (
            <div className="mb-3">
              <ErrorPanel title={words.notSent} error={begin.error} retry={() => composer.current?.submit()} />
            </div>
          ) : null}
          <Composer
            ref={composer}
            chat="new"
            placeholder={words.placeholder}
            sending={begin.isPending}
            onSend={send}
            room={room}
            tools={<KnowledgePicker chosen={knowledge} onChange={setKnowledge} />}
            picker={<ModelPicker models={models} chosen={model} onChange={setModel} />}
          />
          <Suggestions onAsk={send} disabled={begin.isPending} />
        </div>
      </div>
      <p className="flex-none px-4 pt-1 pb-[max(0.75rem,env(safe-area-inset-bottom))] text-center text-xs text-faint">{words.staysHere}</p>
    </>
  );
}

/** From what the answer will be taken, so that nobody wonders afterwards. */
function Lead({ chosen }: { chosen: readonly string[] }) {
  const words = useWords(chatWords);
  const format = useFormat();
  const { data } = useInfiniteQuery(knowledgeListQuery);
  const bases = data?.pages.flatMap((page) => page.items);
  const used = bases?.filter((base) => chosen.length === 0 || chosen.includes(base.id)) ?? [];
  const documents = used.reduce((sum, base) => sum + base.documents, 0);
  return (
    // The line keeps its height while the number is fetched, so the composer does not jump.
    <div className="mt-1.5 mb-6 flex min-h-6 flex-wrap items-center justify-center gap-x-2 gap-y-1 text-center text-muted">
      {bases && documents === 0 && (
        <>
          <span>{words.leadEmpty}</span>
          <Button asChild kind="quiet" small className="text-accent-text!">
            <Link to="/knowledge"><BookPlus aria-hidden="true" className="size-4" />{words.addDocuments}</Link>
          </Button>
        </>
      )}
      {documents > 0 && (chosen.length === 0 ? (
        <span>{words.leadAll(documents, format.number(documents))}</span>
      ) : (
        <span>{words.leadSome(used.map((base) => base.name).join(", "), documents, format.number(documents))}</span>
      ))}
    </div>
  );
}
