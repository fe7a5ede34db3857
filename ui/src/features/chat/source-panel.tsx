import { Link } from "@tanstack/react-router";
import { ExternalLink, FileLock } from "lucide-react";
import { Empty } from "@/components/ui/empty";
import { Key, KeyMark } from "@/components/ui/key";
import { Panel } from "@/components/ui/panel";
import { Tooltip } from "@/components/ui/tooltip";
import { Reader } from "@/components/document/reader";
import { cx } from "@/lib/cx";
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
        {current && <Viewer citation={current} focus={byKeys} />}
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

function Viewer({ citation, focus }: { citation: Citation; focus: boolean }) {
  const words = useWords(chatWords);
  const place = placeOf(citation, words.page);
  return (
    <section aria-label={citation.document.title} className="flex min-h-0 flex-1 flex-col border-line frame:border-t">
      <div className={cx("flex min-h-10 flex-none items-center gap-1 ps-4 py-1.5 text-s", citation.text ? "pe-2" : "pe-4")}>
        <div className="min-w-0 flex-1 max-frame:text-m">
          <p className="truncate max-frame:font-strong">{citation.document.title}</p>
          {place && <p className="num truncate text-s text-muted frame:hidden">{place}</p>}
        </div>
        {place && <span className="num max-w-32 truncate text-muted max-frame:hidden">{place}</span>}
        {citation.text && (
          <Tooltip text={words.openDocument}>
            <Link
              to="/documents/$document"
              params={{ document: citation.document.id }}
              search={{ from: citation.start, to: citation.end, n: citation.number }}
              aria-label={words.openDocument}
              className="inline-grid size-7 flex-none place-items-center rounded-s text-muted hover:bg-hover hover:text-text touch:size-11"
            >
              <ExternalLink aria-hidden="true" className="size-3.75" />
            </Link>
          </Tooltip>
        )}
      </div>
      {citation.text ? (
        <Reader
          document={citation.document.id}
          passage={{ from: citation.start, to: citation.end, number: citation.number }}
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
