import { Link, Outlet, useRouterState } from "@tanstack/react-router";
import { BookOpen, Building2, PanelLeft, Search, SquarePen } from "lucide-react";
import { lazy, Suspense, useEffect, useMemo, useRef, useState } from "react";
import { useSession } from "@/api/query";
import { Empty } from "@/components/ui/empty";
import { FrameContext, type FrameControl, PageBody, Topbar } from "@/components/ui/frame";
import { IconButton } from "@/components/ui/icon-button";
import { Keys } from "@/components/ui/keys";
import { Mark } from "@/components/ui/logo";
import { NavRow } from "@/components/ui/nav-row";
import { uiWords } from "@/components/ui/words";
import { ChatList } from "@/features/chat/chat-list";
import { phone, useMedia } from "@/lib/use-media";
import { useWords } from "@/lib/words";
import { AvatarMenu } from "./avatar-menu";
import { Drawer } from "./drawer";
import { searchKeys, useShortcuts } from "./shortcuts";
import { appWords } from "./words";

const Palette = lazy(() => import("@/features/search/palette"));

/** The frame of the application: sidebar or drawer, page, place for a panel. */
export function Frame() {
  const words = useWords(uiWords);
  const { workspace } = useSession();
  const onPhone = useMedia(phone);
  const [beside, setBeside] = useState(true);
  const [drawer, setDrawer] = useState(false);
  const [palette, setPalette] = useState(false);
  const [panelSlot, setPanelSlot] = useState<HTMLDivElement | null>(null);
  const main = useRef<HTMLElement>(null);
  const path = useRouterState({ select: (state) => state.location.pathname });
  const lastPath = useRef(path);

  useEffect(() => {
    if (lastPath.current === path) return;
    lastPath.current = path;
    setDrawer(false);
  }, [path]);

  useShortcuts({
    search: () => setPalette(true),
    sidebar: () => (onPhone ? setDrawer((on) => !on) : setBeside((on) => !on)),
  });
  const openPalette = () => {
    setDrawer(false);
    setPalette(true);
  };

  const sidebar = beside && !onPhone;
  const control = useMemo<FrameControl>(
    () => ({ sidebar, openSidebar: () => (onPhone ? setDrawer(true) : setBeside(true)), panelSlot }),
    [sidebar, onPhone, panelSlot],
  );

  return (
    <FrameContext value={control}>
      <a
        href="#main"
        className="fixed start-2 top-2 z-60 -translate-y-20 rounded-s bg-accent px-3.5 py-2 font-medium text-on-accent no-underline focus-visible:translate-y-0"
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        {words.skip}
      </a>
      <div className="flex h-full">
        {sidebar && (
          <div className="w-sidebar flex-none border-e border-line">
            <Sidebar onClose={() => setBeside(false)} onSearch={openPalette} />
          </div>
        )}
        {onPhone && (
          <Drawer open={drawer} onClose={() => setDrawer(false)}>
            <Sidebar onClose={() => setDrawer(false)} onSearch={openPalette} />
          </Drawer>
        )}
        <main ref={main} id="main" tabIndex={-1} className="relative flex min-w-0 flex-1 flex-col outline-none">
          {workspace.id || path === "/profile" ? <Outlet /> : <NoWorkspace />}
        </main>
        <div ref={setPanelSlot} className="flex-none" />
      </div>
      {palette && (
        <Suspense fallback={null}>
          <Palette onClose={() => setPalette(false)} />
        </Suspense>
      )}
    </FrameContext>
  );
}

/** For a person whom no workspace has taken in, or whom the last one has let go. */
function NoWorkspace() {
  const words = useWords(appWords);
  return (
    <>
      <Topbar />
      <PageBody>
        <Empty heading icon={Building2} title={words.nowhere}>{words.nowhereLead}</Empty>
      </PageBody>
    </>
  );
}

function Sidebar({ onClose, onSearch }: { onClose: () => void; onSearch: () => void }) {
  const words = useWords(appWords);
  const { person } = useSession();
  return (
    <aside aria-label={words.sidebar} className="flex h-full min-h-0 flex-col bg-sunken px-2">
      <header className="flex h-topbar flex-none items-center gap-2.25 ps-2 text-[1rem] font-[640] tracking-tight">
        <Mark />
        <span className="flex-1">ChatETS</span>
        <IconButton icon={PanelLeft} label={words.closeSidebar} onClick={onClose} />
      </header>
      <nav aria-label={words.mainNavigation}>
        <NavRow icon={SquarePen} asChild><Link to="/" activeOptions={{ exact: true }}>{words.newChat}</Link></NavRow>
        <NavRow icon={Search} onClick={onSearch} end={<Keys keys={searchKeys()} className="max-frame:hidden" />} aria-keyshortcuts="Control+K Meta+K">
          <span className="flex-1">{words.search}</span>
        </NavRow>
        <NavRow icon={BookOpen} asChild><Link to="/knowledge">{words.knowledge}</Link></NavRow>
      </nav>
      <div className="thin-scroll relative -mx-2 min-h-0 flex-1 overflow-x-hidden overflow-y-auto px-2 pb-4">
        <ChatList />
      </div>
      <AvatarMenu person={person} />
    </aside>
  );
}
