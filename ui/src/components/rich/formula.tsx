import "katex/dist/katex.min.css";
import katex from "katex";
import { useLayoutEffect, useRef, useState } from "react";
import { useWords } from "@/lib/words";
import { richWords } from "./words";

interface FormulaProps {
  tex: string;
  display: boolean;
}

/** A formula, set by KaTeX with its MathML for screen readers; what cannot be set stands as it was written. */
export default function Formula({ tex, display }: FormulaProps) {
  const words = useWords(richWords);
  const place = useRef<HTMLSpanElement>(null);
  const [broken, setBroken] = useState("");
  useLayoutEffect(() => {
    const span = place.current;
    if (!span) return;
    try {
      set(tex, display, span);
    } catch {
      // Not only bad TeX: what is nested too deep ends in a RangeError.
      setBroken(tex);
    }
  }, [tex, display]);
  if (broken === tex) return <code title={words.formulaBroken}>{display ? `$$${tex}$$` : `$${tex}$`}</code>;
  return <span ref={place} dir="ltr" className={display ? "formula-block" : undefined} />;
}

/**
 * KaTeX makes its elements itself, so nothing of a formula is ever read as HTML; what it may expand, how large
 * it may grow and where it may lead are bounded. It writes some widths as attributes, which the page's policy
 * refuses, so for the time of this call they are set as properties.
 */
function set(tex: string, displayMode: boolean, into: HTMLElement): void {
  const { setAttribute } = Element.prototype;
  Element.prototype.setAttribute = function (this: Element, name: string, value: string) {
    if (name === "style" && (this instanceof HTMLElement || this instanceof SVGElement || this instanceof MathMLElement)) this.style.cssText = value;
    else setAttribute.call(this, name, value);
  };
  try {
    katex.render(tex, into, { displayMode, throwOnError: true, trust: false, strict: "ignore", maxSize: 20, maxExpand: 200, output: "htmlAndMathml" });
  } finally {
    Element.prototype.setAttribute = setAttribute;
  }
}
