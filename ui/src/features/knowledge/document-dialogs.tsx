import { lazy, Suspense } from "react";
import type { Document } from "./queries";

const DocumentAccess = lazy(() => import("./document-access").then((module) => ({ default: module.DocumentAccess })));
const PlaceDocument = lazy(() => import("./place-document").then((module) => ({ default: module.PlaceDocument })));

/** What can be opened of a document besides its text. */
export type DocumentDialog = "access" | "place" | undefined;

/** The dialogs of a document; they are fetched when they are asked for. */
export function DocumentDialogs({ document, open, onClose }: { document: Document; open: DocumentDialog; onClose: () => void }) {
  if (!open) return null;
  const Opened = open === "access" ? DocumentAccess : PlaceDocument;
  return (
    <Suspense fallback={null}>
      <Opened document={document} onClose={onClose} />
    </Suspense>
  );
}
