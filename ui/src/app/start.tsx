import { lazy, Suspense, useCallback, useEffect, useState } from "react";
import { setCSRF } from "@/api/client";
import type { Schema } from "@/api/types";
import { ErrorPanel } from "@/components/ui/error-panel";
import { SignInPage } from "@/features/login/sign-in-page";
import { Labelled } from "@/components/ui/labelled";
import { pageNotices } from "@/lib/notices";
import { chosenLanguage, useLook } from "@/lib/preferences";
import { LanguageProvider } from "@/lib/words";
import { askBootstrap, type Bootstrap, readBootstrap } from "./bootstrap";
import { useLocale } from "./locales/load";
import { doorOf, returnPath } from "./return-path";

// The door must open fast: everything behind it is a chunk of its own.
const loadApplication = () => import("./application");
const Application = lazy(loadApplication);
// Few ever see these.
const SetPasswordPage = lazy(() => import("@/features/login/set-password-page").then((module) => ({ default: module.SetPasswordPage })));
const ChangePasswordPage = lazy(() => import("@/features/login/change-password-page").then((module) => ({ default: module.ChangePasswordPage })));
const SignedInPage = lazy(() => import("@/features/login/signed-in-page").then((module) => ({ default: module.SignedInPage })));
const EnrolPage = lazy(() => import("@/features/login/enrol-page").then((module) => ({ default: module.EnrolPage })));
const SetUpPage = lazy(() => import("@/features/login/set-up-page").then((module) => ({ default: module.SetUpPage })));

/**
 * Start decides between the door (set-up, sign-in) and the application. The door
 * needs neither the router nor the query cache, so it comes without them.
 */
export function Start() {
  const language = useLocale(chosenLanguage(useLook()));
  const [bootstrap, setBootstrap] = useState<Bootstrap | null>(() => readBootstrap(document.getElementById("bootstrap")?.textContent));
  const [error, setError] = useState<unknown>(null);
  const [{ label, level }] = useState(pageNotices);

  const ask = useCallback(() => {
    askBootstrap().then((found) => {
      setError(null);
      setBootstrap(found);
    }, setError);
  }, []);
  const missing = bootstrap === null;
  useEffect(() => {
    if (missing) ask();
  }, [missing, ask]);

  const enter = useCallback((session: Schema<"Session">) => {
    setCSRF(session.csrf);
    history.replaceState(null, "", returnPath(location));
    setBootstrap({ session });
  }, []);

  if (!language) return null;
  return (
    <LanguageProvider language={language}>
      {error ? <div className="mx-auto max-w-column p-6"><ErrorPanel error={error} retry={ask} /></div> : null}
      <Labelled label={label} level={level}>{bootstrap && <Door bootstrap={bootstrap} enter={enter} />}</Labelled>
    </LanguageProvider>
  );
}

function Door({ bootstrap, enter }: { bootstrap: Bootstrap; enter: (session: Schema<"Session">) => void }) {
  if (location.pathname === "/set-password") {
    return (
      <Suspense fallback={null}>
        <SetPasswordPage token={location.hash.slice(1)} />
      </Suspense>
    );
  }
  if (location.pathname === "/signed-in") {
    return (
      <Suspense fallback={null}>
        <SignedInPage onEntered={enter} />
      </Suspense>
    );
  }
  if ("session" in bootstrap) {
    setCSRF(bootstrap.session.csrf);
    if (bootstrap.session.mustChange) {
      return (
        <Suspense fallback={null}>
          <ChangePasswordPage person={bootstrap.session.person} />
        </Suspense>
      );
    }
    if (bootstrap.session.enrol) {
      return (
        <Suspense fallback={null}>
          <EnrolPage />
        </Suspense>
      );
    }
    return (
      <Suspense fallback={null}>
        <Application session={bootstrap.session} />
      </Suspense>
    );
  }
  const door = { onEntered: enter, onSubmitting: loadApplication };
  if (doorOf(location, bootstrap.setup) === "set-up") {
    return (
      <Suspense fallback={null}>
        <SetUpPage token={location.hash.slice(1)} {...door} />
      </Suspense>
    );
  }
  return <SignInPage setupNeeded={bootstrap.setup} passkey={bootstrap.passkey} fromSetup={location.pathname === "/setup"} doors={bootstrap.doors} {...door} />;
}
