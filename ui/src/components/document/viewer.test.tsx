import { fireEvent, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { useState } from "react";
import { describe, expect, it } from "vitest";
import { aDocument, aProblem } from "@/test/documents";
import { show } from "@/test/render";
import { server } from "@/test/server";
import { pictureWidth } from "./page-view";
import { type View, Viewer } from "./viewer";

const text = "The pump is isolated first. Then it is locked.";
const boxes = [{ from: 0, to: 28, page: 2, x: 0.1, y: 0.4, w: 0.56, h: 0.02 }, { from: 28, to: 46, page: 2, x: 0.1, y: 0.43, w: 0.36, h: 0.02 }];

function serve(change: Parameters<typeof aDocument>[0] = {}) {
  const document = aDocument({ type: "application/pdf", title: "Pumps", pages: 5, ...change });
  server.use(http.get("*/api/documents/d1/content", () => HttpResponse.json({ document, blocks: [{ kind: "paragraph", level: 0, page: 2, text, start: 0, end: 46, boxes }], next: null })));
}

function Stage() {
  const [view, setView] = useState<View>("page");
  return <Viewer document="d1" passage={{ from: 28, to: 46, number: 3 }} quote="Then it is locked." view={view} onView={setView} />;
}

const picture = (page: number) => screen.findByRole("img", { name: `Page ${page} of “Pumps” as it was printed`, hidden: true });

describe("Viewer", () => {
  it("shows the page of the passage, marked, and turns pages", async () => {
    serve();
    show(<Stage />);
    const second = await picture(2);
    expect(second).toHaveAttribute("src", "/api/documents/d1/pages/2?width=400");
    expect(document.querySelectorAll("[data-mark]")).toHaveLength(0);
    fireEvent.load(second);
    const marks = document.querySelectorAll<HTMLElement>("[data-mark]");
    expect(Array.from(marks, (mark) => [mark.style.left, mark.style.top, mark.style.width])).toEqual([["10%", "43%", "36%"]]);
    expect(screen.getByText(/Marked on it: “Then it is locked.”/)).toBeInTheDocument();

    await userEvent.click(screen.getByRole("button", { name: "Next page" }));
    fireEvent.load(await picture(3));
    expect(document.querySelectorAll("[data-mark]")).toHaveLength(0);
    expect(screen.getByText(/^Page 3 of 5/)).toBeInTheDocument();
    const field = screen.getByRole("textbox", { name: "Page number, 1 to 5" });
    await userEvent.clear(field);
    await userEvent.type(field, "99{Enter}");
    expect(await picture(5)).toBeInTheDocument();
    expect(screen.getByRole("button", { name: "Next page" })).toBeDisabled();
    screen.getByRole("region", { name: "Page as printed" }).focus();
    await userEvent.keyboard("{PageUp}");
    expect(await picture(4)).toBeInTheDocument();
    await userEvent.click(screen.getByRole("button", { name: "Passage, p. 2" }));
    expect(await picture(2)).toBeInTheDocument();
  });

  it("changes to the text and back", async () => {
    serve();
    show(<Stage />);
    await picture(2);
    await userEvent.click(screen.getByRole("radio", { name: "Text" }));
    expect(await screen.findByText("Then it is locked.")).toHaveProperty("tagName", "MARK");
    expect(screen.queryByRole("img")).not.toBeInTheDocument();
    await userEvent.click(screen.getByRole("radio", { name: "Page" }));
    expect(await picture(2)).toBeInTheDocument();
  });

  it("says why there is no picture, asks again, and leads to the text", async () => {
    serve();
    server.use(http.get("*/api/documents/d1/pages/2", () => aProblem(422, "The page is damaged.", { cure: "Add the file again." })));
    show(<Stage />);
    fireEvent.error(await picture(2));
    expect(await screen.findByRole("alert")).toHaveTextContent("Page 2 was not drawn. The page is damaged. Add the file again.");
    await userEvent.click(screen.getByRole("button", { name: "Try again" }));
    fireEvent.error(await picture(2));
    await userEvent.click(await screen.findByRole("button", { name: "Read the text instead" }));
    expect(await screen.findByText("Then it is locked.")).toHaveProperty("tagName", "MARK");
  });

  it("shows everything else as its text", async () => {
    serve({ type: "application/vnd.openxmlformats-officedocument.presentationml.presentation" });
    show(<Stage />);
    expect(await screen.findByText("Slide 2")).toBeInTheDocument();
    await waitFor(() => expect(screen.queryByRole("radio")).not.toBeInTheDocument());
  });
});

describe("pictureWidth", () => {
  it.each([[0, 1, 400], [408, 1, 600], [408, 2, 1_000], [960, 3, 2_400]])("of %d px on a screen of %d is %d", (room, ratio, width) => {
    expect(pictureWidth(room, ratio)).toBe(width);
  });
});
