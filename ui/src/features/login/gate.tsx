import type { ReactNode } from "react";
import { useEffect } from "react";
import { Mark } from "@/components/ui/logo";
import { setLook } from "@/lib/preferences";
import { languageNames, languages, useLanguage, useWords } from "@/lib/words";
import { loginWords } from "./words";

/** The door of the house: one narrow column, the mark over it, the language beside it. */
export function Gate({ title, lead, children }: { title: string; lead: string; children: ReactNode }) {
  const words = useWords(loginWords);
  const language = useLanguage();
  useEffect(() => {
    document.title = title;
  }, [title]);
  return (
    <div className="relative h-full overflow-y-auto">
      <div className="flex min-h-full flex-col">
        <header className="flex justify-end p-3">
          <label>
            <span className="unseen">{words.language}</span>
            <select
              value={language}
              className="h-control cursor-pointer rounded-s bg-transparent px-2 text-s text-muted hover:bg-hover hover:text-text [&>option]:bg-raised [&>option]:text-text"
              onChange={(event) => {
                const chosen = languages.find((l) => l === event.target.value);
                if (chosen) setLook({ language: chosen });
              }}
            >
              {languages.map((l) => <option key={l} value={l} lang={l}>{languageNames[l]}</option>)}
            </select>
          </label>
        </header>
        <main className="flex flex-1 flex-col items-center px-5 pt-[max(1rem,9dvh)] pb-10">
          <div className="grid w-full max-w-gate gap-4 [--control:2.75rem]">
            <div className="mb-2 text-center">
              <Mark className="mx-auto mb-4 size-10" />
              <h1 className="text-2xl tracking-tight">{title}</h1>
              <p className="mt-1 text-muted">{lead}</p>
            </div>
            {children}
          </div>
        </main>
        <footer className="px-5 pb-5 text-center text-xs text-faint">{words.foot}</footer>
      </div>
    </div>
  );
}
