import { useCallback, useEffect, useState } from "react";
import { api } from "@/api/client";
import { ErrorPanel } from "@/components/ui/error-panel";
import { setLook } from "@/lib/preferences";
import { useWords } from "@/lib/words";
import { appWords } from "./words";

/**
 * Stands in the place of the whole application while the session is ended, so that
 * nothing on the page asks the server any more and is refused.
 */
export function Leaving() {
  const words = useWords(appWords);
  const [error, setError] = useState<unknown>(null);
  const leave = useCallback(() => {
    api.POST("/api/auth/logout").then(({ data }) => {
      // The answer empties this browser's store of the origin; the look is nobody's secret.
      setLook({});
      location.assign(data?.goTo ?? "/sign-in"); // the identity provider sends the browser back
    }, setError);
  }, []);
  useEffect(leave, [leave]);
  if (error === null) return null;
  return (
    <main className="mx-auto max-w-column p-6">
      <ErrorPanel error={error} title={words.stillSignedIn} retry={leave} />
    </main>
  );
}
