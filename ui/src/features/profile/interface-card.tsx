import { Contrast, Monitor, Moon, Sun } from "lucide-react";
import type { ReactNode } from "react";
import { Card } from "@/components/ui/frame";
import { Choice } from "@/components/ui/field";
import { setLook, sizes, themes, useLook } from "@/lib/preferences";
import { languageNames, languages, useLanguage, useWords } from "@/lib/words";
import { profileWords } from "./words";

const icons = { system: Monitor, light: Sun, dark: Moon, contrast: Contrast };

/** How the interface looks in this browser; every choice works at once. */
export function InterfaceCard() {
  const words = useWords(profileWords);
  const look = useLook();
  const language = useLanguage();
  return (
    <Card title={words.interface}>
      <div className="grid gap-5">
        <Line label={words.theme} help={words.themeHelp}>
          <Choice
            label={words.theme}
            value={look.theme}
            options={themes.map((value) => ({ value, label: words.themes[value], icon: icons[value] }))}
            onChange={(theme) => setLook({ theme })}
          />
        </Line>
        <Line label={words.size} help={words.sizeHelp}>
          <Choice
            label={words.size}
            value={look.size}
            options={sizes.map((value) => ({ value, label: words.sizes[value] }))}
            onChange={(size) => setLook({ size })}
          />
        </Line>
        <Line label={words.language} help={words.languageHelp}>
          <Choice
            label={words.language}
            value={language}
            options={languages.map((value) => ({ value, label: languageNames[value] }))}
            onChange={(chosen) => setLook({ language: chosen })}
          />
        </Line>
      </div>
    </Card>
  );
}

function Line({ label, help, children }: { label: string; help: string; children: ReactNode }) {
  return (
    <div>
      <p aria-hidden="true" className="mb-1.5 text-s font-medium">{label}</p>
      {children}
      <p className="mt-1.5 text-s text-muted">{help}</p>
    </div>
  );
}
