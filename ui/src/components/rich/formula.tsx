import "katex/dist/katex.min.css";
import katex from "katex";
import { useLayoutEffect, useMemo, useRef } from "react";
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
  // Made while rendering, which may be done in slices, and put in its place in one step.
  const made = useMemo(() => make(tex, display), [tex, display]);
  useLayoutEffect(() => {
    if (made) place.current?.replaceChildren(made);
  }, [made]);
  if (!made) return <code title={words.formulaBroken}>{display ? `$$${tex}$$` : `$${tex}$`}</code>;
  return <span ref={place} dir="ltr" className={display ? "formula-block" : undefined} />;
}

/** The elements of a formula; undefined for what cannot be set: not only bad TeX, what is nested too deep ends in a RangeError. */
function make(tex: string, display: boolean): HTMLElement | undefined {
  const span = document.createElement("span");
  try {
    set(tex, display, span);
    return span;
  } catch {
    return undefined;
  }
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
