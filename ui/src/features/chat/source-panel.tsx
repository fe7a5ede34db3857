import { Link } from "@tanstack/react-router";
import { ChevronDown, ChevronUp, Download, ExternalLink, FileLock } from "lucide-react";
import { useState } from "react";
import { Empty } from "@/components/ui/empty";
import { Key, KeyMark } from "@/components/ui/key";
import { IconButton } from "@/components/ui/icon-button";
import { useSay } from "@/components/ui/live";
import { Panel } from "@/components/ui/panel";
import { Tooltip } from "@/components/ui/tooltip";
import { usePlace } from "@/components/document/use-place";
import { type View, Viewer } from "@/components/document/viewer";
import { documentWords } from "@/components/document/words";
import { cx } from "@/lib/cx";
import { headingPath } from "@/lib/heading";
import { phone, useMedia } from "@/lib/use-media";
import { useWords } from "@/lib/words";
import { type Citation, placeOf } from "./sources";
import { chatWords } from "./words";

interface SourcePanelProps {
  citations: readonly Citation[];
  number: number | undefined;
  /** It was opened with the keyboard, which goes on in it. */
  byKeys: boolean;
  onOpen: (number: number) => void;
  onClose: () => void;
}

/** Beside the answer: its keys, and the document of one of them opened at the passage. */
export function SourcePanel({ citations, number, byKeys, onOpen, onClose }: SourcePanelProps) {
  const words = useWords(chatWords);
  const onPhone = useMedia(phone);
  // Who reads text goes on reading text at the next citation.
  const [view, setView] = useState<View>("page");
  const current = citations.find((c) => c.number === number) ?? citations[0];
  return (
    <Panel
      open={current !== undefined}
      onClose={onClose}
      title={words.sources}
      head={onPhone ? (
        <KeyTabs citations={citations} current={current?.number} onOpen={onOpen} />
      ) : (
        <>
          {words.sources} <span className="num text-xs font-regular text-faint">{citations.length}</span>
        </>
      )}
    >
      {/* Escape is only a second way out; the button in the head is the first. */}
      {/* eslint-disable-next-line jsx-a11y/no-static-element-interactions */}
      <div className="flex min-h-0 flex-1 flex-col" onKeyDown={(event) => event.key === "Escape" && onClose()}>
        {!onPhone && <SourceRows citations={citations} current={current?.number} onOpen={onOpen} />}
        {current && <Hit citation={current} citations={citations} current={current.number} onOpen={onOpen} view={view} onView={setView} focus={byKeys} />}
      </div>
    </Panel>
  );
}

function useLabel() {
  const words = useWords(chatWords);
  return (citation: Citation) => words.sourceKey(citation.number, [citation.document.title, placeOf(citation, words.page)].filter(Boolean).join(", "));
}

interface ChoiceProps {
  citations: readonly Citation[];
  current: number | undefined;
  onOpen: (number: number) => void;
}

/** On a phone the keys are tabs above the page. */
function KeyTabs({ citations, current, onOpen }: ChoiceProps) {
  const label = useLabel();
  return (
    <div className="flex min-w-0 gap-1 overflow-x-auto py-1">
      {citations.map((citation) => (
        <Key
          key={citation.number}
          flat
          number={citation.number}
          label={label(citation)}
          current={citation.number === current}
          onClick={() => onOpen(citation.number)}
          className="h-9! min-w-11! rounded-s! text-s!"
        />
      ))}
    </div>
  );
}

function SourceRows({ citations, current, onOpen }: ChoiceProps) {
  const words = useWords(chatWords);
  return (
    <ul className="thin-scroll max-h-[34%] flex-none overflow-y-auto px-2 pt-1.5 pb-2">
      {citations.map((citation) => (
        <li key={citation.number}>
          <button
            type="button"
            aria-current={citation.number === current ? "true" : undefined}
            onClick={() => onOpen(citation.number)}
            className={cx(
              "grid w-full grid-cols-[auto_minmax(0,1fr)_auto] items-center gap-x-2.5 rounded-s px-2 py-1.5 text-start text-s touch:min-h-11",
              citation.number === current ? "current bg-raised card-edge" : "hover:bg-hover",
            )}
          >
            <KeyMark number={citation.number} current={citation.number === current} />
            <span className="truncate">{citation.document.title}</span>
            <span className="num max-w-36 truncate text-xs text-faint">{placeOf(citation, words.page)}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

interface HitProps extends ChoiceProps {
  citation: Citation;
  view: View;
  onView: (view: View) => void;
  focus: boolean;
}

/** The document of a citation, opened at it. */
function Hit({ citation, citations, onOpen, view, onView, focus }: HitProps) {
  const words = useWords(chatWords);
  return (
    <section aria-label={citation.document.title} className="flex min-h-0 flex-1 flex-col border-line frame:border-t">
      <div className="flex min-h-10 flex-none items-center gap-1 ps-4 pe-2 py-1.5 text-s">
        {citation.text ? <Heading citation={citation} /> : <p className="min-w-0 flex-1 truncate max-frame:text-m max-frame:font-strong">{citation.document.title}</p>}
        <Hits citation={citation} citations={citations} onOpen={onOpen} />
        {citation.text && <Ways citation={citation} />}
      </div>
      {citation.text ? (
        <Viewer
          document={citation.document.id}
          passage={{ from: citation.start, to: citation.end, number: citation.number }}
          quote={citation.text}
          view={view}
          onView={onView}
          focus={focus}
          className="px-4 pb-4"
        />
      ) : (
        <div className="p-4">
          <Empty icon={FileLock} title={words.gone}>{words.withheld}</Empty>
        </div>
      )}
    </section>
  );
}

/** The document and the place in it, with the headings above the passage. */
function Heading({ citation }: { citation: Citation }) {
  const words = useWords(chatWords);
  const found = usePlace(citation.document.id, { from: citation.start, to: citation.end });
  const place = found || (citation.page > 0 ? words.page(String(citation.page)) : "");
  const path = headingPath(citation.heading, citation.document.title);
  const where = [place, path].filter(Boolean).join(" · ");
  return (
    <div className="min-w-0 flex-1">
      <p className="truncate max-frame:text-m max-frame:font-strong">{citation.document.title}</p>
      {where && <p dir="auto" title={where} className="num truncate text-xs text-muted">{where}</p>}
    </div>
  );
}

/** From one citation of the answer to the next. */
function Hits({ citation, citations, onOpen }: Pick<HitProps, "citation" | "citations" | "onOpen">) {
  const words = useWords(documentWords);
  const label = useLabel();
  const say = useSay();
  const index = citations.indexOf(citation);
  if (citations.length < 2) return null;
  const to = (next: Citation | undefined) => {
    if (!next) return;
    onOpen(next.number);
    say(label(next));
  };
  return (
    <div role="group" aria-label={words.hitOf(index + 1, citations.length)} className="flex flex-none items-center">
      <IconButton small icon={ChevronUp} label={words.hitBefore} disabled={index <= 0} onClick={() => to(citations[index - 1])} />
      <span aria-hidden="true" className="num text-xs text-muted">{index + 1}/{citations.length}</span>
      <IconButton small icon={ChevronDown} label={words.hitAfter} disabled={index >= citations.length - 1} onClick={() => to(citations[index + 1])} />
    </div>
  );
}

const way = "inline-grid size-7 flex-none place-items-center rounded-s text-muted hover:bg-hover hover:text-text touch:size-11";

/** The ways out of the panel: the file, and the page of the document. */
function Ways({ citation: { document, start, end, number } }: { citation: Citation }) {
  const words = useWords(chatWords);
  const { download } = useWords(documentWords);
  return (
    <>
      <Tooltip text={download}>
        <a href={`/api/documents/${encodeURIComponent(document.id)}/file`} download="" aria-label={download} className={way}>
          <Download aria-hidden="true" className="size-3.75" />
        </a>
      </Tooltip>
      <Tooltip text={words.openDocument}>
        <Link to="/documents/$document" params={{ document: document.id }} search={{ from: start, to: end, n: number }} aria-label={words.openDocument} className={way}>
          <ExternalLink aria-hidden="true" className="size-3.75" />
        </Link>
      </Tooltip>
    </>
  );
}
