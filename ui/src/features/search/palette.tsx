import * as Radix from "@radix-ui/react-dialog";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Archive, BookOpen, FileText, type LucideIcon, MessageSquare, Pin, Search, Settings, SquarePen, Users, X } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useDeferredValue, useId, useRef, useState } from "react";
import { useSession } from "@/api/query";
import { ErrorPanel } from "@/components/ui/error-panel";
import { IconButton } from "@/components/ui/icon-button";
import { Keys } from "@/components/ui/keys";
import { Spinner } from "@/components/ui/spinner";
import { cx } from "@/lib/cx";
import { groupByAge } from "@/lib/dates";
import { useFormat } from "@/lib/format";
import { administers } from "@/lib/roles";
import { phone, useMedia } from "@/lib/use-media";
import { useLanguage, useWords } from "@/lib/words";
import { Highlight, snippet } from "./highlight";
import { type Look, Preview } from "./preview";
import { foundChatsQuery, foundPassagesQuery } from "./queries";
import { readTyped } from "./typed";
import { searchWords } from "./words";

/** Search and commands, over whatever page is open. */
export default function Palette({ onClose }: { onClose: () => void }) {
  const words = useWords(searchWords);
  return (
    <Radix.Root open onOpenChange={(on) => !on && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className="fade-in fixed inset-0 z-40 bg-scrim" />
        <Radix.Content
          aria-describedby=""
          className="pop-in fixed inset-x-4 top-[12dvh] z-40 mx-auto max-w-[58rem] overflow-hidden rounded-pop bg-raised float-edge max-frame:top-4"
        >
          <Radix.Title className="unseen">{words.title}</Radix.Title>
          <Results onClose={onClose} />
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

interface Result {
  /** Never changes while the result is shown, whatever comes above it. */
  id: string;
  icon: LucideIcon;
  content: ReactNode;
  end?: ReactNode;
  go: () => Promise<void>;
  /** What is shown beside it. */
  look?: Look;
}

interface Group {
  name: string;
  results: readonly Result[];
}

function Results({ onClose }: { onClose: () => void }) {
  const words = useWords(searchWords);
  const [typed, setTyped] = useState("");
  const q = useDeferredValue(typed.trim());
  const { terms } = readTyped(q);
  const { groups, searching, error } = useResults(q);
  const onPhone = useMedia(phone);
  const all = groups.flatMap((group) => group.results);
  // The best is chosen until somebody chooses another; a new search begins anew.
  const [chosen, setChosen] = useState({ q, id: "" });
  const at = Math.max(0, chosen.q === q ? all.findIndex((result) => result.id === chosen.id) : 0);
  const active = all[at];
  const nothing = !searching && q !== "" && all.length === 0;
  const base = useId();
  const idOf = (result: Result) => `${base}${result.id}`;
  const list = useRef<HTMLDivElement>(null);

  function choose(result: Result | undefined) {
    if (!result) return;
    setChosen({ q, id: result.id });
    document.getElementById(idOf(result))?.scrollIntoView({ block: "nearest" });
  }
  function run(result: Result | undefined) {
    if (!result) return;
    onClose();
    void result.go();
  }
  function press(event: KeyboardEvent) {
    if (event.nativeEvent.isComposing || all.length === 0) return;
    if (event.key === "ArrowDown") choose(all[(at + 1) % all.length]);
    else if (event.key === "ArrowUp") choose(all[(at + all.length - 1) % all.length]);
    else if (event.key === "PageDown") choose(all[Math.min(at + 5, all.length - 1)]);
    else if (event.key === "PageUp") choose(all[Math.max(at - 5, 0)]);
    else if (event.key === "Enter") run(active);
    else return;
    event.preventDefault();
  }

  return (
    <>
      <div className="flex h-13 items-center gap-3 border-b border-line px-4">
        {searching ? <Spinner className="mx-0.5" /> : <Search aria-hidden="true" className="text-muted" />}
        <input
          role="combobox"
          aria-label={words.title}
          aria-expanded="true"
          aria-controls={`${base}list`}
          aria-autocomplete="list"
          aria-activedescendant={active && idOf(active)}
          autoComplete="off"
          spellCheck={false}
          value={typed}
          onChange={(event) => {
            setTyped(event.target.value);
            if (list.current) list.current.scrollTop = 0;
          }}
          onKeyDown={press}
          placeholder={words.placeholder}
          className="h-full min-w-0 flex-1 bg-transparent text-l outline-none"
        />
        <Keys keys="Esc" className="max-frame:hidden" />
        <IconButton icon={X} label={words.close} onClick={onClose} className="-me-2 frame:hidden" />
      </div>
      {error && <div className="p-1.25"><ErrorPanel error={error} title={words.failed} /></div>}
      <div className="flex h-[min(30rem,66dvh)]">
      {nothing && <p className="flex-1 px-3 py-6 text-center text-muted">{words.none(q)}</p>}
      <div
        ref={list}
        id={`${base}list`}
        role="listbox"
        aria-label={words.results}
        // Only so that the list can be scrolled by itself; the arrows move the choice from the field.
        tabIndex={-1}
        className={cx("thin-scroll min-w-0 flex-1 overflow-y-auto p-1.25", nothing && "hidden")}
      >
        {groups.map((group) => (
          <div key={group.name} role="group" aria-label={group.name}>
            <div aria-hidden="true" className="px-2.5 pt-2 pb-1 text-xs font-medium text-faint">{group.name}</div>
            {group.results.map((result) => (
              <Option key={result.id} id={idOf(result)} result={result} active={result === active} onPoint={() => setChosen({ q, id: result.id })} onRun={() => run(result)} />
            ))}
          </div>
        ))}
      </div>
      {!onPhone && (
        // What scrolls can be reached by the keyboard.
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        <section aria-label={words.preview} className="thin-scroll w-[26rem] flex-none overflow-y-auto border-s border-line bg-sunken px-5 py-4" tabIndex={0}>
          <Preview key={active?.id} look={active?.look} terms={terms} />
        </section>
      )}
      </div>
      <p role="status" className="unseen">{nothing ? words.none(q) : searching ? "" : words.count(all.length)}</p>
    </>
  );
}

interface OptionProps {
  id: string;
  result: Result;
  active: boolean;
  onPoint: () => void;
  onRun: () => void;
}

function Option({ id, result: { icon: Icon, content, end }, active, onPoint, onRun }: OptionProps) {
  return (
    // The focus stays in the field, where the arrow keys and Enter are handled.
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events
    <div
      id={id}
      role="option"
      tabIndex={-1}
      aria-selected={active}
      onPointerMove={active ? undefined : onPoint}
      onClick={onRun}
      className="flex min-h-9 cursor-pointer items-center gap-3 rounded-s px-2.5 py-1.5 aria-selected:bg-hover contrast:aria-selected:ring-line touch:min-h-11"
    >
      <Icon aria-hidden="true" className="text-muted" />
      <span className="min-w-0 flex-1">{content}</span>
      {end && <span className="num text-xs whitespace-nowrap text-muted">{end}</span>}
    </div>
  );
}

/** What fits the words: chats by their age, passages and pages, each with its way there. */
function useResults(q: string): { groups: readonly Group[]; searching: boolean; error: unknown } {
  const words = useWords(searchWords);
  const language = useLanguage();
  const format = useFormat();
  const navigate = useNavigate();
  const { person } = useSession();
  const { words: plain, terms, narrowed } = readTyped(q);
  const chats = useQuery(foundChatsQuery(q));
  const passages = useQuery(foundPassagesQuery(narrowed ? "" : plain));

  const places: Result[] = [
    { id: "place-new", content: words.newChat, icon: SquarePen, go: () => navigate({ to: "/" }) },
    { id: "place-knowledge", content: words.knowledge, icon: BookOpen, go: () => navigate({ to: "/knowledge" }) },
    { id: "place-archive", content: words.archive, icon: Archive, go: () => navigate({ to: "/archive" }) },
    ...(administers(person) ? [{ id: "place-people", content: words.people, icon: Users, go: () => navigate({ to: "/people" }) }] : []),
    { id: "place-profile", content: words.profile, icon: Settings, go: () => navigate({ to: "/profile" }) },
  ];
  const month = new Intl.DateTimeFormat(language, { month: "long", year: "numeric" });
  const groups: Group[] = [
    ...groupByAge(chats.data?.items ?? [], ({ conversation }) => new Date(conversation.updatedAt), new Date()).map(({ group, items }) => ({
      name: group.kind === "named" ? month.format(new Date(group.year, group.month, 15)) : words[group.kind],
      results: items.map((found) => ({
        id: `chat-${found.conversation.id}`,
        icon: found.conversation.archived ? Archive : found.conversation.pinned ? Pin : MessageSquare,
        content: (
          <>
            <span className="block truncate"><Highlight text={found.conversation.title} words={terms} /></span>
            {found.snippet && <span className="block truncate text-s text-muted"><Highlight text={found.snippet} words={terms} /></span>}
          </>
        ),
        end: format.age(found.conversation.updatedAt),
        look: { kind: "chat" as const, found },
        go: () => navigate({ to: "/c/$conversation", params: { conversation: found.conversation.id } }),
      })),
    })),
    {
      name: words.documents,
      results: (narrowed ? [] : (passages.data?.items ?? [])).map((passage) => ({
        id: `passage-${passage.chunk}`,
        icon: FileText,
        content: (
          <>
            <span className="block truncate"><Highlight text={passage.document.title} words={terms} /></span>
            <span className="block truncate text-s text-muted"><Highlight text={snippet(passage.text, terms)} words={terms} /></span>
          </>
        ),
        end: passage.page > 0 && words.page(format.number(passage.page)),
        look: { kind: "passage" as const, passage },
        go: () => navigate({ to: "/documents/$document", params: { document: passage.document.id }, search: { from: passage.start, to: passage.end } }),
      })),
    },
    {
      name: words.goTo,
      results: narrowed ? [] : places.filter(({ content }) => terms.every((t) => String(content).toLowerCase().includes(t.toLowerCase()))),
    },
  ];
  return {
    groups: groups.filter((group) => group.results.length > 0),
    searching: chats.isFetching || passages.isFetching,
    error: chats.error ?? passages.error,
  };
}
