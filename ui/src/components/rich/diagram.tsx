import { Code, Download, Expand } from "lucide-react";
import { lazy, Suspense, useEffect, useState } from "react";
import { IconButton } from "@/components/ui/icon-button";
import { saveFile } from "@/lib/save-file";
import { useWords } from "@/lib/words";
import { CodeBlock } from "./code-block";
import { type Drawn, drawDiagram } from "./draw";
import { richWords } from "./words";

const Lightbox = lazy(() => import("./lightbox"));

/** A Mermaid diagram, drawn once it is whole; until then, and where it cannot be drawn, its source. */
export default function Diagram({ source }: { source: string }) {
  const words = useWords(richWords);
  const [drawn, setDrawn] = useState<{ source: string; result: Drawn }>();
  const [large, setLarge] = useState(false);
  const [asText, setAsText] = useState(false);
  useEffect(() => {
    let address = "";
    let current = true;
    void drawDiagram(source).then((result) => {
      if (result.kind === "drawn") address = result.address;
      if (current) setDrawn({ source, result });
      else if (address) URL.revokeObjectURL(address);
    });
    return () => {
      current = false;
      if (address) URL.revokeObjectURL(address);
    };
  }, [source]);
  const result = drawn?.source === source ? drawn.result : undefined;
  const back = <IconButton small icon={Code} label={words.showSource} pressed={asText} onClick={() => setAsText(!asText)} />;
  if (!result || result.kind !== "drawn" || asText) {
    const why = result && { broken: words.diagramBroken, slow: words.diagramSlow, large: words.diagramTooLarge, drawn: "" }[result.kind];
    return (
      <CodeBlock
        language="mermaid"
        text={source}
        note={!result ? <p className="codenote">{words.drawing}</p> : why ? <p className="codenote" role="status">{why}</p> : undefined}
        actions={result?.kind === "drawn" ? back : undefined}
      />
    );
  }
  const save = () => void fetch(result.address).then(async (answer) => saveFile("diagram.svg", await answer.blob()));
  return (
    <figure className="codeblock">
      <figcaption>
        <span className="min-w-0 flex-1 truncate">{words.diagram}</span>
        {back}
        <IconButton small icon={Download} label={words.downloadDiagram} onClick={save} />
        <IconButton small icon={Expand} label={words.enlarge} onClick={() => setLarge(true)} />
      </figcaption>
      <div className="diagram">
        <img src={result.address} alt={words.diagram} width={result.width} height={result.height} />
      </div>
      {large && (
        <Suspense fallback={null}>
          <Lightbox src={result.address} alt={words.diagram} onClose={() => setLarge(false)} />
        </Suspense>
      )}
    </figure>
  );
}
