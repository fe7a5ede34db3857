import "./styles/door.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Start } from "./app/start";
import { watchLook } from "./lib/preferences";

watchLook();
// Only where the page is a secure one; without it everything works but the page that says the server is away.
if (import.meta.env.PROD && "serviceWorker" in navigator) {
  addEventListener("load", () => void navigator.serviceWorker.register("/sw.js").catch(() => undefined));
}
const root = document.getElementById("root");
if (!root) throw new Error("the page has no root");
createRoot(root).render(
  <StrictMode>
    <Start />
  </StrictMode>,
);
