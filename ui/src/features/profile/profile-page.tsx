import { useEffect } from "react";
import { useSession } from "@/api/query";
import { PageBody, PageTitle, Topbar } from "@/components/ui/frame";
import { useWords } from "@/lib/words";
import { AccountCard } from "./account-card";
import { ApiKeysCard } from "./api-keys-card";
import { InterfaceCard } from "./interface-card";
import { PasswordCard } from "./password-card";
import { SecondCard } from "./second-card";
import { SessionsCard } from "./sessions-card";
import { profileWords } from "./words";

/** What is one's own: name, password, sessions, and how the interface looks here. */
export function ProfilePage() {
  const words = useWords(profileWords);
  const { person, workspace } = useSession();
  useEffect(() => {
    document.title = `${words.title} · ChatETS`;
  }, [words]);
  return (
    <>
      <Topbar>{words.title}</Topbar>
      <PageBody>
        <div className="max-w-column">
          <PageTitle title={person.name} lead={words.lead(person.email, workspace.name)} />
          <div className="grid gap-4">
            <InterfaceCard />
            <AccountCard />
            <PasswordCard />
            <SecondCard />
            <SessionsCard />
            <ApiKeysCard />
          </div>
        </div>
      </PageBody>
    </>
  );
}
