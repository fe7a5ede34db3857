import { useQueryClient } from "@tanstack/react-query";
import { Brain, Check, Eye, type LucideIcon, Search, TextQuote, Wrench } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";
import { Tag } from "@/components/ui/pill";
import { cx } from "@/lib/cx";
import { useLanguage, useWords } from "@/lib/words";
import { extractive, type Model, type Models, modelsQuery } from "./models";
import { shortTokens } from "./tokens";
import { detailWords } from "./detail-words";
import { chatWords } from "./words";

interface ModelChoicesProps {
  models: Models;
  chosen: string;
  onChange: (name: string) => void;
}

/** The models with what each can do, found by typing, walked with the arrows. */
export function ModelChoices({ models, chosen, onChange }: ModelChoicesProps) {
  const words = useWords(chatWords);
  const detail = useWords(detailWords);
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const box = useRef<HTMLInputElement>(null);
  const queries = useQueryClient();
  const [find, setFind] = useState("");
  const wanted = find.trim().toLocaleLowerCase();
  const found = models.list.filter((model) => [model.label, model.name, ...model.aliases].some((name) => name.toLocaleLowerCase().includes(wanted)));
  const names = [...found.map((model) => model.name), ...(words.ownWords.toLocaleLowerCase().includes(wanted) ? [extractive] : [])];
  const current = models.answering(chosen)?.name ?? extractive;
  const [at, setAt] = useState(current);
  const active = names.includes(at) ? at : names[0];
  const usable = (name: string | undefined) => name !== undefined && (name === extractive || models.find(name)?.available === true);

  // The list came after the popover opened, which had nothing to give the focus to.
  useEffect(() => box.current?.focus(), []);
  // What is in memory may have changed since the page came.
  useEffect(() => {
    void queries.invalidateQueries({ queryKey: modelsQuery.queryKey, exact: true });
  }, [queries]);
  useEffect(() => {
    list.current?.querySelector("[data-active]")?.scrollIntoView({ block: "nearest" });
  }, [active]);

  const move = (by: number) => {
    const from = active === undefined ? -1 : names.indexOf(active);
    const next = names[(from + by + names.length) % names.length];
    if (next !== undefined) setAt(next);
  };
  const press = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "ArrowDown") move(1);
    else if (event.key === "ArrowUp") move(-1);
    else if (event.key === "Enter") {
      if (active !== undefined && usable(active)) onChange(active);
    } else return;
    event.preventDefault();
  };
  const option = (name: string) => ({
    id: `${id}-${names.indexOf(name)}`,
    chosen: name === current,
    active: name === active,
    disabled: !usable(name),
    onPoint: () => setAt(name),
    onChoose: () => onChange(name),
  });
  return (
    <>
      <div className="mb-1.25 flex h-control flex-none items-center gap-2 border-b border-line px-2 pb-1">
        <Search aria-hidden="true" className="text-muted" />
        <input
          ref={box}
          role="combobox"
          aria-label={detail.findModel}
          aria-expanded="true"
          aria-controls={id}
          aria-activedescendant={active === undefined ? undefined : `${id}-${names.indexOf(active)}`}
          placeholder={detail.findModel}
          value={find}
          onChange={(event) => setFind(event.target.value)}
          onKeyDown={press}
          className="h-full min-w-0 flex-1 bg-transparent outline-none"
        />
      </div>
      <div ref={list} id={id} role="listbox" aria-label={words.modelTitle} className="thin-scroll min-h-0 overflow-y-auto">
        {found.map((model) => (
          <Option key={model.name} {...option(model.name)} name={model.label} tag={model.default ? detail.defaultModel : undefined}>
            <About model={model} />
          </Option>
        ))}
        {names.includes(extractive) && (
          <>
            {found.length > 0 && <div role="presentation" className="my-1.25 h-px bg-line" />}
            <Option {...option(extractive)} name={words.ownWords}>
              <Fact icon={TextQuote}>{detail.ownWordsHelp}</Fact>
            </Option>
          </>
        )}
      </div>
      {names.length === 0 && <p role="status" className="px-2 py-3 text-s text-muted">{detail.noSuchModel}</p>}
    </>
  );
}

interface OptionProps {
  id: string;
  name: string;
  tag?: string | undefined;
  chosen: boolean;
  active: boolean;
  disabled: boolean;
  onPoint: () => void;
  onChoose: () => void;
  children: ReactNode;
}

function Option({ id, name, tag, chosen, active, disabled, onPoint, onChoose, children }: OptionProps) {
  return (
    // The keys go to the box above, which names the active one.
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events
    <div
      id={id}
      role="option"
      tabIndex={-1}
      aria-selected={chosen}
      aria-disabled={disabled || undefined}
      data-active={active || undefined}
      onPointerMove={onPoint}
      onClick={() => !disabled && onChoose()}
      className={cx("flex min-h-(--row) items-start gap-2 rounded-s px-2 py-1.5 touch:min-h-11", active && "bg-hover", disabled ? "cursor-not-allowed" : "cursor-pointer")}
    >
      <span className="min-w-0 flex-1">
        <span className="flex items-center gap-2">
          <span className={cx("truncate", disabled ? "text-muted" : "text-text", chosen && "font-medium")}>{name}</span>
          {tag && <Tag>{tag}</Tag>}
        </span>
        <span className="mt-0.5 flex flex-wrap items-center gap-x-2.5 gap-y-0.5 text-xs text-muted">{children}</span>
      </span>
      <Check aria-hidden="true" className={cx("mt-0.5 size-4 flex-none text-accent-text", !chosen && "invisible")} />
    </div>
  );
}

function About({ model }: { model: Model }) {
  const detail = useWords(detailWords);
  const language = useLanguage();
  if (!model.available) return <span className="text-warning">{model.why || detail.unavailable}</span>;
  const { thinking, vision, tools } = model.capabilities;
  return (
    <>
      <span className="inline-flex items-center gap-1.5">
        <span aria-hidden="true" className={cx("size-1.75 rounded-full", model.loaded ? "bg-success" : "ring-1 ring-edge ring-inset")} />
        {model.loaded ? detail.modelLoaded : detail.modelCold}
      </span>
      {thinking && <Fact icon={Brain}>{detail.thinks}</Fact>}
      {vision && <Fact icon={Eye}>{detail.sees}</Fact>}
      {tools && <Fact icon={Wrench}>{detail.usesTools}</Fact>}
      {model.context > 0 && <span className="num">{detail.contextOf(shortTokens(language, model.context, model.context))}</span>}
    </>
  );
}

function Fact({ icon: Icon, children }: { icon: LucideIcon; children: ReactNode }) {
  return (
    <span className="inline-flex items-center gap-1">
      <Icon aria-hidden="true" className="size-3.25" />
      {children}
    </span>
  );
}
