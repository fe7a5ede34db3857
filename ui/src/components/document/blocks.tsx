import { Fragment, memo, type ReactNode } from "react";
import type { Block } from "@/api/content";
import { KeyMark } from "@/components/ui/key";
import { cutPassage } from "@/lib/code-points";
import { useWords } from "@/lib/words";
import { arrange, cellsOf, type Setting } from "./layout";
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
  before: Block | undefined;
  /** Its pages are slides. */
  slides: boolean;
  passage: Passage | undefined;
}

/** One page of blocks, set on paper. */
export const PaperBlocks = memo(function PaperBlocks({ blocks, before, slides, passage }: PaperBlocksProps) {
  return (
    <>
      {arrange(blocks, before).map((setting, i) => (
        <Set key={keyOf(setting)} setting={setting} slides={slides} goesOn={i === 0 && before?.kind === "row"} passage={passage} />
      ))}
    </>
  );
});

function keyOf(setting: Setting): string {
  if (setting.kind === "page") return `page ${setting.page}`;
  if (setting.kind === "sheet") return `sheet ${setting.start}`;
  const first = "block" in setting ? setting.block : setting.blocks[0];
  return `${setting.kind} ${first?.start ?? 0}`;
}

interface SetProps {
  setting: Setting;
  slides: boolean;
  /** A table that began before: its first row here is no head. */
  goesOn: boolean;
  passage: Passage | undefined;
}

function Set({ setting, slides, goesOn, passage }: SetProps) {
  const words = useWords(documentWords);
  switch (setting.kind) {
    case "page":
      return <p className="folio">{slides ? words.slide(setting.page) : words.page(setting.page)}</p>;
    case "sheet":
      return <p className="folio">{setting.headed ? words.aSheet : words.sheet(setting.sheet)}</p>;
    case "heading": {
      const level = Math.min(Math.max(setting.block.level, 1), 6);
      return (
        <div role="heading" aria-level={Math.min(level + 1, 6)} className={`heading h${level}`} dir="auto">
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
    case "quote":
      return (
        <blockquote dir="auto">
          <Marked block={setting.block} passage={passage} />
        </blockquote>
      );
    case "code":
      return (
        // It scrolls sideways, so the keyboard must be able to reach it.
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        <pre tabIndex={0} dir="ltr">
          <Marked block={setting.block} passage={passage} />
        </pre>
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
    case "table":
      return (
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        <div role="region" aria-label={words.table} tabIndex={0} className="rows">
          <table className={goesOn ? "goes-on" : undefined}>
            <tbody>
              {setting.blocks.map((block) => (
                <Row key={block.start} block={block} passage={passage} />
              ))}
            </tbody>
          </table>
        </div>
      );
  }
}

function Row({ block, passage }: { block: Block; passage: Passage | undefined }) {
  const cells = cellsOf(block);
  return (
    <tr>
      {cells.map((cell, i) => {
        const end = cell.start + Array.from(cell.text).length;
        return (
          <td key={cell.start} dir="auto">
            <Marked block={{ ...cell, end }} passage={passage} numbered={i === 0} />
          </td>
        );
      })}
    </tr>
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
