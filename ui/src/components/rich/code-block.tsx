import { Check, Copy, Download, WrapText } from "lucide-react";
import { Fragment, type ReactNode, useEffect, useRef, useState } from "react";
import { IconButton } from "@/components/ui/icon-button";
import { saveFile } from "@/lib/save-file";
import { useWords } from "@/lib/words";
import type { Piece } from "./highlight";
import { useCopy } from "@/components/ui/use-copy";
import { richWords } from "./words";

interface CodeBlockProps {
  language: string;
  text: string;
  /** More of it is being written. */
  open?: boolean;
  /** What is said of it, and more to press. */
  note?: ReactNode;
  actions?: ReactNode;
}

/** Code with the name of its language, and ways to copy it whole, to wrap its lines and to keep it as a file. */
export function CodeBlock({ language, text, open, note, actions }: CodeBlockProps) {
  const words = useWords(richWords);
  const { copied, copy } = useCopy(words);
  const [wrap, setWrap] = useState(false);
  const painted = usePainted(language, text, open === true);
  return (
    <figure className="codeblock" dir="ltr">
      <figcaption>
        <span className="min-w-0 flex-1 truncate">{language}</span>
        {actions}
        <IconButton small icon={WrapText} label={words.wrap} pressed={wrap} onClick={() => setWrap(!wrap)} />
        {!open && <IconButton small icon={Download} label={words.downloadCode} onClick={() => saveFile(fileName(language), new Blob([text], { type: "text/plain" }))} />}
        <IconButton small icon={copied ? Check : Copy} label={copied ? words.copied : words.copyCode} onClick={() => copy(text)} />
      </figcaption>
      {note}
      {/* It scrolls sideways, so the keyboard must be able to reach it. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <pre tabIndex={0} role="region" aria-label={language ? words.codeIn(language) : words.code} className={wrap ? "wrapped" : undefined}>
        <code>{painted}</code>
      </pre>
    </figure>
  );
}

const painting = 300;

/**
 * The code in colours. While it is written the colours follow a few times a second, and what came since stands
 * plain behind them: no letter waits for its colour, and no colour flickers.
 */
function usePainted(name: string, text: string, open: boolean): ReactNode {
  const [done, setDone] = useState<{ name: string; text: string; nodes: ReactNode }>();
  const wanted = useRef({ name, text });
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => {
    wanted.current = { name, text };
    if (name === "" || timer.current !== undefined) return;
    const paint = async () => {
      const { languageOf, prepare, colour, mostCode } = await import("./highlight");
      timer.current = undefined;
      const now = wanted.current;
      const language = languageOf(now.name);
      if (language === undefined || now.text.length > mostCode || !(await prepare(language))) return;
      setDone({ ...now, nodes: draw(colour(language, now.text)) });
    };
    timer.current = setTimeout(() => void paint().catch(() => undefined), open ? painting : 0);
  }, [name, text, open]);
  useEffect(
    () => () => {
      clearTimeout(timer.current);
      timer.current = undefined;
    },
    [],
  );
  if (!done || done.name !== name || !text.startsWith(done.text)) return text;
  return (
    <>
      {done.nodes}
      {text.slice(done.text.length)}
    </>
  );
}

function draw(pieces: readonly Piece[]): ReactNode {
  return pieces.map((piece, i) => <Fragment key={i}>{typeof piece === "string" ? piece : <span className={piece.role}>{draw(piece.pieces)}</span>}</Fragment>);
}

const endings: Record<string, string> = {
  bash: "sh", shell: "sh", python: "py", javascript: "js", typescript: "ts", markdown: "md", csharp: "cs", "c++": "cpp", ruby: "rb", rust: "rs",
  kotlin: "kt", powershell: "ps1", perl: "pl", latex: "tex", matlab: "m", makefile: "mk", mermaid: "mmd", text: "txt", "": "txt",
};

function fileName(language: string): string {
  const name = language.toLowerCase();
  const ending = endings[name] ?? (/^[a-z0-9]{1,8}$/.test(name) ? name : "txt");
  return `code.${ending}`;
}
