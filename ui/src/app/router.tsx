import type { QueryClient } from "@tanstack/react-query";
import { createRootRouteWithContext, createRoute, createRouter, lazyRouteComponent, redirect } from "@tanstack/react-router";
import { baseSearch } from "@/lib/base-search";
import { passageSearch } from "@/lib/passage-search";
import { Frame } from "./frame";
import { LostPage, RouteError } from "./lost-page";

const root = createRootRouteWithContext<{ queries: QueryClient }>()({
  component: Frame,
  notFoundComponent: LostPage,
  errorComponent: RouteError,
});

const start = createRoute({
  getParentRoute: () => root,
  path: "/",
  component: lazyRouteComponent(() => import("@/features/chat/start-page"), "StartPage"),
});

const chat = createRoute({
  getParentRoute: () => root,
  path: "/c/$conversation",
  component: lazyRouteComponent(() => import("@/features/chat/chat-page"), "ChatPage"),
});

const archive = createRoute({
  getParentRoute: () => root,
  path: "/archive",
  component: lazyRouteComponent(() => import("@/features/chat/archive-page"), "ArchivePage"),
});

const shared = createRoute({
  getParentRoute: () => root,
  path: "/s/$share",
  component: lazyRouteComponent(() => import("@/features/chat/shared-page"), "SharedPage"),
});

const feedback = createRoute({
  getParentRoute: () => root,
  path: "/admin/feedback",
  component: lazyRouteComponent(() => import("@/features/feedback/feedback-page"), "FeedbackPage"),
});

const knowledge = createRoute({
  getParentRoute: () => root,
  path: "/knowledge",
  component: lazyRouteComponent(() => import("@/features/knowledge/knowledge-page"), "KnowledgePage"),
});

const base = createRoute({
  getParentRoute: () => root,
  path: "/knowledge/$knowledge",
  validateSearch: baseSearch,
  component: lazyRouteComponent(() => import("@/features/knowledge/base-page"), "BasePage"),
});

const document = createRoute({
  getParentRoute: () => root,
  path: "/documents/$document",
  // A passage: code points of the document's text, and the number it has in an answer.
  validateSearch: passageSearch,
  component: lazyRouteComponent(() => import("@/features/knowledge/document-page"), "DocumentPage"),
});

const people = createRoute({
  getParentRoute: () => root,
  path: "/people",
  component: lazyRouteComponent(() => import("@/features/people/people-page"), "PeoplePage"),
});

const admin = createRoute({
  getParentRoute: () => root,
  path: "/admin",
  component: lazyRouteComponent(() => import("@/features/admin/admin-page"), "AdminPage"),
});

const models = createRoute({
  getParentRoute: () => root,
  path: "/admin/models",
  component: lazyRouteComponent(() => import("@/features/models/models-page"), "ModelsPage"),
});

const scan = createRoute({
  getParentRoute: () => root,
  path: "/admin/scan",
  component: lazyRouteComponent(() => import("@/features/scan/scan-page"), "ScanPage"),
});

const sso = createRoute({
  getParentRoute: () => root,
  path: "/admin/sso",
  component: lazyRouteComponent(() => import("@/features/sso/sso-page"), "SsoPage"),
});

const keys = createRoute({
  getParentRoute: () => root,
  path: "/admin/keys",
  component: lazyRouteComponent(() => import("@/features/keys/keys-page"), "KeysPage"),
});

const directories = createRoute({
  getParentRoute: () => root,
  path: "/admin/directories",
  component: lazyRouteComponent(() => import("@/features/directories/directories-page"), "DirectoriesPage"),
});

const scim = createRoute({
  getParentRoute: () => root,
  path: "/admin/scim",
  component: lazyRouteComponent(() => import("@/features/directories/scim-page"), "ScimPage"),
});

const backup = createRoute({
  getParentRoute: () => root,
  path: "/admin/backup",
  component: lazyRouteComponent(() => import("@/features/backup/backup-page"), "BackupPage"),
});

const profile = createRoute({
  getParentRoute: () => root,
  path: "/profile",
  component: lazyRouteComponent(() => import("@/features/profile/profile-page"), "ProfilePage"),
});

// The doors stand before the application; whoever is inside already goes on.
const signIn = createRoute({
  getParentRoute: () => root,
  path: "/sign-in",
  beforeLoad: () => {
    throw redirect({ to: "/", replace: true });
  },
});
const setUp = createRoute({
  getParentRoute: () => root,
  path: "/setup",
  beforeLoad: () => {
    throw redirect({ to: "/", replace: true });
  },
});

const tree = root.addChildren([start, chat, archive, shared, feedback, knowledge, base, document, people, admin, models, keys, directories, scim, scan, sso, backup, profile, signIn, setUp]);

/** Builds the router of one page; tests build their own over a memory history. */
export function newRouter(queries: QueryClient) {
  return createRouter({
    routeTree: tree,
    context: { queries },
    defaultPreload: "intent",
    defaultPreloadStaleTime: 0,
    scrollRestoration: false,
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof newRouter>;
  }
}
