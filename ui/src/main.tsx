import "./styles/door.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Start } from "./app/start";
import { watchLook } from "./lib/preferences";

watchLook();
const root = document.getElementById("root");
if (!root) throw new Error("the page has no root");
createRoot(root).render(
  <StrictMode>
    <Start />
  </StrictMode>,
);
