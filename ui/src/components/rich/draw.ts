/**
 * Asks a page of our own, which lives in a sandbox without an origin, to draw diagrams. What comes back is shown
 * as an image, so nothing in it can run, load or lead anywhere. What takes too long is ended with its page.
 */
export type Drawn = { kind: "drawn"; address: string; width: number; height: number } | { kind: "broken" | "slow" | "large" };

const mostSource = 12_000;
const mostPicture = 2_000_000;
const patience = 6_000;

interface Waiting {
  source: string;
  done: (drawn: Drawn) => void;
}

class Drawing {
  #frame: HTMLIFrameElement | undefined;
  #ready = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #number = 0;
  readonly #queue: Waiting[] = [];

  constructor() {
    addEventListener("message", (event) => {
      if (!this.#frame || event.source !== this.#frame.contentWindow) return;
      this.#take(event.data);
    });
  }

  draw(source: string): Promise<Drawn> {
    if (source.length > mostSource) return Promise.resolve({ kind: "large" });
    return new Promise((done) => {
      this.#queue.push({ source, done });
      if (this.#queue.length === 1) this.#next();
    });
  }

  #next(): void {
    const first = this.#queue[0];
    if (!first) return;
    this.#number++;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#end({ kind: "slow" }), patience);
    if (!this.#frame) this.#open();
    else if (this.#ready) this.#post(first.source);
  }

  #open(): void {
    const frame = document.createElement("iframe");
    frame.setAttribute("sandbox", "allow-scripts");
    frame.src = "/diagram.html";
    frame.title = "";
    frame.tabIndex = -1;
    frame.ariaHidden = "true";
    frame.className = "drawing-board";
    this.#frame = frame;
    this.#ready = false;
    document.body.append(frame);
  }

  #post(source: string): void {
    // The other side has no origin that could be named.
    this.#frame?.contentWindow?.postMessage({ number: this.#number, source }, "*");
  }

  #take(data: unknown): void {
    if (typeof data !== "object" || data === null) return;
    const said: Record<string, unknown> = { ...data };
    if (said["ready"] === true) {
      this.#ready = true;
      const first = this.#queue[0];
      if (first) this.#post(first.source);
      return;
    }
    if (said["number"] !== this.#number || this.#queue.length === 0) return;
    const { svg, width, height } = said;
    if (typeof svg !== "string" || typeof width !== "number" || typeof height !== "number") this.#end({ kind: "broken" });
    else if (svg.length > mostPicture) this.#end({ kind: "large" });
    else this.#end({ kind: "drawn", address: URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" })), width, height });
  }

  #end(drawn: Drawn): void {
    clearTimeout(this.#timer);
    if (drawn.kind === "slow") {
      this.#frame?.remove();
      this.#frame = undefined;
    }
    this.#queue.shift()?.done(drawn);
    this.#next();
  }
}

let drawing: Drawing | undefined;

/** Draws one diagram after the other. */
export function drawDiagram(source: string): Promise<Drawn> {
  drawing ??= new Drawing();
  return drawing.draw(source);
}
