import { lazy, type ReactNode, Suspense, useState } from "react";
import { useWords } from "@/lib/words";
import { richWords } from "./words";

const Lightbox = lazy(() => import("./lightbox"));

interface PictureProps {
  src: string;
  alt: string;
  /** Wraps the name of a picture that is not shown. */
  away: (name: ReactNode) => ReactNode;
}

const mostPicture = 4_000_000;

/** Only pixels that stand in the text itself: no picture is ever loaded from anywhere, and no drawing that could hold more. */
function inText(src: string): boolean {
  return src.length < mostPicture && /^data:image\/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]+$/.test(src);
}

/** A picture of an answer: shown when it stands in the text, otherwise its name. */
export function Picture({ src, alt, away }: PictureProps) {
  const words = useWords(richWords);
  const [large, setLarge] = useState(false);
  const name = alt ? words.picture(alt) : words.pictureNoName;
  if (!inText(src)) return away(name);
  return (
    <>
      <button type="button" className="inner-picture" aria-label={`${words.enlarge}: ${name}`} onClick={() => setLarge(true)}>
        <img src={src} alt={alt} />
      </button>
      {large && (
        <Suspense fallback={null}>
          <Lightbox src={src} alt={alt || words.pictureNoName} onClose={() => setLarge(false)} />
        </Suspense>
      )}
    </>
  );
}
