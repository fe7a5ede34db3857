import { Paperclip, StickyNote } from "lucide-react";
import { Fragment, memo, type ReactNode } from "react";
import type { Block } from "@/api/content";
import { KeyMark } from "@/components/ui/key";
import { cutPassage } from "@/lib/code-points";
import { useWords } from "@/lib/words";
import { Grid } from "./grid";
import { arrange, cellsOf, headerLines, headRows, type Setting, widthOf } from "./layout";
import { documentWords } from "./words";

/** The passage that is marked: code points of the document's text, and its number in an answer. */
export interface Passage {
  from: number;
  to: number;
  number?: number | undefined;
}

const touches = (block: { start: number; end: number }, p: Passage | undefined): p is Passage =>
  p !== undefined && p.from < block.end && p.to > block.start;

interface PaperBlocksProps {
  blocks: readonly Block[];
  /** The block that stands before them, when it was loaded. */
  before?: Block | undefined;
  /** Its pages are slides. */
  slides: boolean;
  passage: Passage | undefined;
}

/** One page of blocks, set on paper. Everything is text set by React: nothing of a document is ever markup here. */
export const PaperBlocks = memo(function PaperBlocks({ blocks, before, slides, passage }: PaperBlocksProps) {
  return (
    <>
      {arrange(blocks, before).map((setting) => (
        <Set key={keyOf(setting)} setting={setting} slides={slides} passage={passage} />
      ))}
    </>
  );
});

function keyOf(setting: Setting): string {
  if (setting.kind === "page" || setting.kind === "sheet") return `${setting.kind} ${setting.start}`;
  const first = "block" in setting ? setting.block : setting.blocks[0];
  return `${setting.kind} ${first?.start ?? 0}`;
}

interface SetProps {
  setting: Setting;
  slides: boolean;
  passage: Passage | undefined;
}

function Set({ setting, slides, passage }: SetProps) {
  const words = useWords(documentWords);
  switch (setting.kind) {
    case "page":
      return <p className="folio" data-page={setting.page}>{slides ? words.slide(setting.page) : words.page(setting.page)}</p>;
    case "sheet":
      return <p className="folio">{setting.headed ? words.aSheet : words.sheet(setting.sheet)}</p>;
    case "heading":
    case "attachment": {
      const level = Math.min(Math.max(setting.block.level, 1), 6);
      return (
        <div role="heading" aria-level={Math.min(level + 1, 6)} className={setting.kind === "attachment" ? "heading attachment" : `heading h${level}`} dir="auto">
          {setting.kind === "attachment" && <Paperclip aria-label={words.attachment} className="size-4" />}
          <Marked block={setting.block} passage={passage} />
        </div>
      );
    }
    case "paragraph":
      return (
        <p dir="auto">
          <Marked block={setting.block} passage={passage} />
        </p>
      );
    case "notes":
    case "comment":
    case "footnote":
      return (
        <div role="note" className={`aside ${setting.kind}`} dir="auto">
          {setting.kind !== "footnote" && <StickyNote aria-hidden="true" className="size-3.5" />}
          <p><Marked block={setting.block} passage={passage} /></p>
        </div>
      );
    case "header":
      return <MailHeader block={setting.block} passage={passage} />;
    case "quote":
      return (
        <blockquote dir="auto">
          <Marked block={setting.block} passage={passage} />
        </blockquote>
      );
    case "code":
      return (
        <div className="code">
          {setting.block.lang && <p className="lang">{setting.block.lang}</p>}
          {/* It scrolls sideways, so the keyboard must be able to reach it. */}
          {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
          <pre tabIndex={0} dir="ltr">
            <Marked block={setting.block} passage={passage} />
          </pre>
        </div>
      );
    case "list":
      return (
        <ul>
          {setting.blocks.map((block) => (
            <li key={block.start} className={`l${Math.min(Math.max(block.level, 1), 6)}`} dir="auto">
              <Marked block={block} passage={passage} />
            </li>
          ))}
        </ul>
      );
    case "grid":
      return <Grid blocks={setting.blocks} passage={passage} render={(cell, first) => <Marked block={cell} passage={passage} numbered={first} />} />;
    case "table":
      return <TableOf blocks={setting.blocks} goesOn={setting.goesOn} passage={passage} />;
  }
}

function TableOf({ blocks, goesOn, passage }: { blocks: readonly Block[]; goesOn: boolean; passage: Passage | undefined }) {
  const words = useWords(documentWords);
  const rows = blocks.map(cellsOf);
  const width = widthOf(rows);
  const heads = headRows(blocks, goesOn);
  const row = (i: number, Part: "td" | "th") => (
    <Row key={blocks[i]?.start} cells={rows[i] ?? []} width={width} part={Part} passage={passage} />
  );
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div role="region" aria-label={words.table} tabIndex={0} className="rows">
      <table>
        {heads > 0 && <thead>{rows.slice(0, heads).map((_, i) => row(i, "th"))}</thead>}
        <tbody>{rows.slice(heads).map((_, i) => row(i + heads, "td"))}</tbody>
      </table>
    </div>
  );
}

interface RowProps {
  cells: ReturnType<typeof cellsOf>;
  width: number;
  part: "td" | "th";
  passage: Passage | undefined;
}

function Row({ cells, width, part: Part, passage }: RowProps) {
  const scope = Part === "th" ? { scope: "col" as const } : {};
  return (
    <tr>
      {Array.from({ length: width }, (_, i) => {
        const cell = cells.find(({ column }) => column === i + 1);
        return (
          <Part key={i} dir="auto" {...scope}>
            {cell && <Marked block={{ ...cell, end: cell.start + Array.from(cell.text).length }} passage={passage} numbered={cell === cells[0]} />}
          </Part>
        );
      })}
    </tr>
  );
}

/** Who wrote a mail, to whom, when, and what is attached. */
function MailHeader({ block, passage }: { block: Block; passage: Passage | undefined }) {
  const words = useWords(documentWords);
  const names: Record<string, string> = { From: words.mail.from, To: words.mail.to, Cc: words.mail.cc, Date: words.mail.date, Attachments: words.mail.attachments };
  return (
    <dl className="mail" dir="auto">
      {headerLines(block).map(({ name, value, start }, i) => (
        <div key={start}>
          <dt>{names[name] ?? name}</dt>
          <dd><Marked block={{ text: value, start, end: start + Array.from(value).length }} passage={passage} numbered={i === 0} /></dd>
        </div>
      ))}
    </dl>
  );
}

/** The text of a block with the passage in it marked, its bar and its key in the margin. */
function Marked({ block, passage, numbered = true }: { block: { text: string; start: number; end: number }; passage: Passage | undefined; numbered?: boolean }) {
  const words = useWords(documentWords);
  if (!touches(block, passage)) return <Lines text={block.text} />;
  const cut = cutPassage(block.text, block.start, passage.from, passage.to);
  const begins = passage.from >= block.start;
  return (
    <span className="passage">
      {begins && numbered && (
        <span className="margin">
          {passage.number ? <KeyMark number={passage.number} onPaper /> : null}
          <span className="unseen">{passage.number ? words.passageOf(passage.number) : words.passage}</span>
        </span>
      )}
      <Lines text={cut.before} />
      <mark data-passage={begins ? "start" : undefined}>
        <Lines text={cut.marked} />
      </mark>
      <Lines text={cut.after} />
    </span>
  );
}

/** Line ends inside a block are part of the text and stay. */
function Lines({ text }: { text: string }): ReactNode {
  if (!text.includes("\n")) return text;
  return text.split("\n").map((line, i) => (
    <Fragment key={i}>
      {i > 0 && <br />}
      {line}
    </Fragment>
  ));
}
