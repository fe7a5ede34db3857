import { Link } from "@tanstack/react-router";
import { FileQuestion } from "lucide-react";
import { Button } from "@/components/ui/button";
import { Empty } from "@/components/ui/empty";
import { ErrorPanel } from "@/components/ui/error-panel";
import { PageBody, Topbar } from "@/components/ui/frame";
import { useWords } from "@/lib/words";
import { appWords } from "./words";

/** An address that leads nowhere. */
export function LostPage() {
  const words = useWords(appWords);
  return (
    <>
      <Topbar />
      <PageBody>
        <div className="mx-auto max-w-column pt-16">
          <Empty
            heading
            icon={FileQuestion}
            title={words.lostTitle}
            action={<Button kind="primary" asChild><Link to="/">{words.toStart}</Link></Button>}
          >
            {words.lostLead}
          </Empty>
        </div>
      </PageBody>
    </>
  );
}

/** A page that threw: the rest of the application goes on. */
export function RouteError({ error, reset }: { error: unknown; reset: () => void }) {
  const words = useWords(appWords);
  return (
    <>
      <Topbar />
      <PageBody>
        <ErrorPanel error={error} title={words.pageBroke} retry={reset} />
      </PageBody>
    </>
  );
}
