import { Check, Copy } from "lucide-react";
import { IconButton } from "@/components/ui/icon-button";
import { useWords } from "@/lib/words";
import { useCopy } from "./use-copy";
import { chatWords } from "./words";

/** Code with the name of its language and a way to copy it whole. */
export function CodeBlock({ language, text }: { language: string; text: string }) {
  const words = useWords(chatWords);
  const { copied, copy } = useCopy();
  return (
    <figure className="codeblock" dir="ltr">
      <figcaption>
        <span>{language}</span>
        <IconButton small icon={copied ? Check : Copy} label={copied ? words.copied : words.copyCode} onClick={() => copy(text)} />
      </figcaption>
      {/* It scrolls sideways, so the keyboard must be able to reach it. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <pre tabIndex={0}>
        <code>{text}</code>
      </pre>
    </figure>
  );
}
