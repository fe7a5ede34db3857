import * as Radix from "@radix-ui/react-dialog";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Command } from "cmdk";
import { BookOpen, FileText, type LucideIcon, MessageSquare, Search, Settings, SquarePen, Users, X } from "lucide-react";
import { type ReactNode, useDeferredValue, useState } from "react";
import { useSession } from "@/api/query";
import { ErrorPanel } from "@/components/ui/error-panel";
import { IconButton } from "@/components/ui/icon-button";
import { Keys } from "@/components/ui/keys";
import { Spinner } from "@/components/ui/spinner";
import { useFormat } from "@/lib/format";
import { administers } from "@/lib/roles";
import { useWords } from "@/lib/words";
import { Highlight, snippet } from "./highlight";
import { foundChatsQuery, foundPassagesQuery } from "./queries";
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
          className="pop-in fixed inset-x-4 top-[12dvh] z-40 mx-auto max-w-[36rem] overflow-hidden rounded-pop bg-raised float-edge max-frame:top-4"
        >
          <Radix.Title className="unseen">{words.title}</Radix.Title>
          <Results onClose={onClose} />
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

function Results({ onClose }: { onClose: () => void }) {
  const words = useWords(searchWords);
  const format = useFormat();
  const navigate = useNavigate();
  const { person } = useSession();
  const [typed, setTyped] = useState("");
  const q = useDeferredValue(typed.trim());
  const terms = q.split(/\s+/).filter((w) => w.length > 1);
  const chats = useQuery(foundChatsQuery(q));
  const passages = useQuery(foundPassagesQuery(q));

  const places: { name: string; icon: LucideIcon; go: () => Promise<void> }[] = [
    { name: words.newChat, icon: SquarePen, go: () => navigate({ to: "/" }) },
    { name: words.knowledge, icon: BookOpen, go: () => navigate({ to: "/knowledge" }) },
    ...(administers(person) ? [{ name: words.people, icon: Users, go: () => navigate({ to: "/people" }) }] : []),
    { name: words.profile, icon: Settings, go: () => navigate({ to: "/profile" }) },
  ];
  const shownPlaces = places.filter(({ name }) => terms.every((t) => name.toLowerCase().includes(t.toLowerCase())));
  const foundChats = chats.data?.items ?? [];
  const foundPassages = passages.data?.items ?? [];
  const searching = chats.isFetching || passages.isFetching;
  const nothing = !searching && q !== "" && shownPlaces.length + foundChats.length + foundPassages.length === 0;

  const run = (go: () => Promise<void>) => () => {
    onClose();
    void go();
  };
  return (
    <Command label={words.title} shouldFilter={false} loop>
      <div className="flex h-13 items-center gap-3 border-b border-line px-4">
        {searching ? <Spinner className="mx-0.5" /> : <Search aria-hidden="true" className="text-muted" />}
        <Command.Input
          value={typed}
          onValueChange={setTyped}
          placeholder={words.placeholder}
          className="h-full min-w-0 flex-1 bg-transparent text-l outline-none"
        />
        <Keys keys="Esc" className="max-frame:hidden" />
        <IconButton icon={X} label={words.close} onClick={onClose} className="-me-2 frame:hidden" />
      </div>
      {(chats.error ?? passages.error) && (
        <div className="p-1.25"><ErrorPanel error={chats.error ?? passages.error} title={words.failed} /></div>
      )}
      <Command.List label={words.results} className="thin-scroll max-h-[min(26rem,62dvh)] overflow-y-auto p-1.25">
        {nothing && <p role="status" className="px-3 py-6 text-center text-muted">{words.none(q)}</p>}
        {foundChats.length > 0 && (
          <Command.Group heading={<Heading>{words.chats}</Heading>}>
            {foundChats.map((chat) => (
              <Item key={chat.id} value={chat.id} icon={MessageSquare} onSelect={run(() => navigate({ to: "/c/$conversation", params: { conversation: chat.id } }))} end={format.age(chat.updatedAt)}>
                <span className="block truncate"><Highlight text={chat.title} words={terms} /></span>
              </Item>
            ))}
          </Command.Group>
        )}
        {foundPassages.length > 0 && (
          <Command.Group heading={<Heading>{words.documents}</Heading>}>
            {foundPassages.map((passage) => (
              <Item
                key={passage.chunk}
                value={`passage ${passage.chunk}`}
                icon={FileText}
                end={passage.page > 0 && words.page(format.number(passage.page))}
                onSelect={run(() =>
                  navigate({ to: "/documents/$document", params: { document: passage.document.id }, search: { from: passage.start, to: passage.end } }),
                )}
              >
                <span className="block truncate"><Highlight text={passage.document.title} words={terms} /></span>
                <span className="block truncate text-s text-muted"><Highlight text={snippet(passage.text, terms)} words={terms} /></span>
              </Item>
            ))}
          </Command.Group>
        )}
        {shownPlaces.length > 0 && (
          <Command.Group heading={<Heading>{words.goTo}</Heading>}>
            {shownPlaces.map(({ name, icon, go }) => (
              <Item key={name} value={`place ${name}`} icon={icon} onSelect={run(go)}>{name}</Item>
            ))}
          </Command.Group>
        )}
      </Command.List>
    </Command>
  );
}

function Heading({ children }: { children: ReactNode }) {
  return <span className="block px-2.5 pt-2 pb-1 text-xs font-medium text-faint">{children}</span>;
}

interface ItemProps {
  value: string;
  icon: LucideIcon;
  end?: ReactNode;
  onSelect: () => void;
  children: ReactNode;
}

function Item({ value, icon: Icon, end, onSelect, children }: ItemProps) {
  return (
    <Command.Item
      value={value}
      onSelect={onSelect}
      className="flex min-h-9 cursor-pointer items-center gap-3 rounded-s px-2.5 py-1.5 data-[selected=true]:bg-hover touch:min-h-11"
    >
      <Icon aria-hidden="true" className="text-muted" />
      <span className="min-w-0 flex-1">{children}</span>
      {end && <span className="num text-xs whitespace-nowrap text-faint">{end}</span>}
    </Command.Item>
  );
}
