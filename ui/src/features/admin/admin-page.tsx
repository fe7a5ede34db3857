import { Link } from "@tanstack/react-router";
import { Boxes, DatabaseBackup, KeyRound, LogIn, type LucideIcon, Network, RefreshCw, ShieldCheck, ThumbsUp, Users } from "lucide-react";
import { useEffect } from "react";
import { useSession } from "@/api/query";
import { Empty } from "@/components/ui/empty";
import { PageBody, PageTitle, Topbar } from "@/components/ui/frame";
import { administers } from "@/lib/roles";
import { useWords } from "@/lib/words";
import { Alerts } from "./alerts";
import { adminWords } from "./words";

/** The way to everything that administrators look after. */
export function AdminPage() {
  const words = useWords(adminWords);
  const { person } = useSession();
  useEffect(() => {
    document.title = `${words.title} · ChatETS`;
  }, [words]);
  return (
    <>
      <Topbar>{words.title}</Topbar>
      <PageBody>
        {administers(person) ? <Places /> : <Empty heading icon={ShieldCheck} title={words.forbidden}>{words.forbiddenLead}</Empty>}
      </PageBody>
    </>
  );
}

function Places() {
  const words = useWords(adminWords);
  const places: { to: "/people" | "/admin/directories" | "/admin/scim" | "/admin/models" | "/admin/keys" | "/admin/scan" | "/admin/sso" | "/admin/backup" | "/admin/feedback"; icon: LucideIcon; name: string; lead: string }[] = [
    { to: "/people", icon: Users, name: words.people, lead: words.peopleLead },
    { to: "/admin/directories", icon: Network, name: words.directories, lead: words.directoriesLead },
    { to: "/admin/scim", icon: RefreshCw, name: words.scim, lead: words.scimLead },
    { to: "/admin/models", icon: Boxes, name: words.models, lead: words.modelsLead },
    { to: "/admin/keys", icon: KeyRound, name: words.keys, lead: words.keysLead },
    { to: "/admin/sso", icon: LogIn, name: words.sso, lead: words.ssoLead },
    { to: "/admin/scan", icon: ShieldCheck, name: words.scan, lead: words.scanLead },
    { to: "/admin/backup", icon: DatabaseBackup, name: words.backup, lead: words.backupLead },
    { to: "/admin/feedback", icon: ThumbsUp, name: words.feedback, lead: words.feedbackLead },
  ];
  return (
    <>
      <PageTitle title={words.title} />
      <Alerts />
      <ul className="grid gap-2 sm:grid-cols-2">
        {places.map(({ to, icon: Icon, name, lead }) => (
          <li key={to} className="grid">
            <Link to={to} className="flex gap-3 rounded-s border border-line p-4 text-text no-underline hover:bg-hover focus-visible:outline-2 focus-visible:outline-focus">
              <Icon aria-hidden="true" className="mt-0.5 size-5 flex-none text-muted" />
              <span className="min-w-0">
                <span className="block font-medium">{name}</span>
                <span className="block text-s text-muted">{lead}</span>
              </span>
            </Link>
          </li>
        ))}
      </ul>
    </>
  );
}
