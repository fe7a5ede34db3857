import { lazy, Suspense, useState } from "react";
import type { Schema } from "@/api/types";
import { Note } from "@/components/ui/note";
import { pageNotices } from "@/lib/notices";
import { useWords } from "@/lib/words";
import { Gate } from "./gate";
import { SignInForm } from "./sign-in-form";
import { loginWords } from "./words";

// Where the house has a name only, and the first page is to be small.
const PasskeyButton = lazy(() => import("./passkey-button").then((m) => ({ default: m.PasskeyButton })));
// Few houses have them, and the first page is to be small.
const SignOnDoors = lazy(() => import("./sign-on-doors").then((m) => ({ default: m.SignOnDoors })));

export interface DoorProps {
  /** Called with the new session: the application may open. */
  onEntered: (session: Schema<"Session">) => void;
  /** Called when the form is sent, so that the application can be fetched meanwhile. */
  onSubmitting: () => unknown;
}

interface SignInPageProps extends DoorProps {
  /** Nobody can sign in yet: there is no owner. */
  setupNeeded: boolean;
  /** Passkeys sign in here. */
  passkey?: boolean | undefined;
  /** Somebody opened an old set-up link. */
  fromSetup?: boolean;
  /** Other ways in, as the server lists them. */
  doors?: readonly unknown[] | undefined;
}

export function SignInPage({ setupNeeded, passkey, fromSetup, doors = [], onEntered, onSubmitting }: SignInPageProps) {
  const words = useWords(loginWords);
  const [banner] = useState(() => pageNotices().signIn);
  if (setupNeeded) {
    return (
      <Gate title={words.notSetUp} lead={words.notSetUpLead}>
        <Note kind="live">{words.spentLead}</Note>
      </Gate>
    );
  }
  return (
    <Gate title={words.signInTitle} lead={words.signInLead}>
      {banner && <Note kind="live" className="whitespace-pre-line">{banner}</Note>}
      {fromSetup && <Note kind="live">{words.alreadySetUp}</Note>}
      <SignInForm onEntered={onEntered} onSubmitting={onSubmitting} />
      {passkey && (
        <Suspense>
          <PasskeyButton onEntered={onEntered} onSubmitting={onSubmitting} />
        </Suspense>
      )}
      {doors.length > 0 && <Suspense fallback={null}><SignOnDoors doors={doors} /></Suspense>}
      <p className="text-center text-s text-muted">{words.forgot}</p>
    </Gate>
  );
}
