import { type ApiProblem, asProblem } from "@/api/problem";
import { useWords } from "@/lib/words";
import { Button } from "./button";
import { Note } from "./note";
import { uiWords } from "./words";

/** What happened and what to do, in sentences, whatever was thrown. */
export function useProblemText(): (error: unknown) => { cause: string; cure: string } {
  const words = useWords(uiWords);
  return (error) => {
    const problem: ApiProblem = asProblem(error);
    if (problem.offline) return { cause: words.offline, cure: words.offlineCure };
    if (problem.detail && problem.status > 0) return { cause: problem.detail, cure: problem.cure };
    if (problem.status === 404) return { cause: words.missing, cure: words.missingCure };
    return { cause: words.broken, cure: problem.cure || words.brokenCure };
  };
}

interface ErrorPanelProps {
  error: unknown;
  /** Asks again; without it there is nothing to press. */
  retry?: () => void;
  /** What did not work: "The list did not load." */
  title?: string;
}

/** An error in its place: cause, cure, the request to name to an administrator, retry. */
export function ErrorPanel({ error, retry, title }: ErrorPanelProps) {
  const words = useWords(uiWords);
  const { cause, cure } = useProblemText()(error);
  const request = asProblem(error).request;
  return (
    <Note kind="bad" action={retry && <Button small onClick={retry}>{words.retry}</Button>}>
      <p>
        {title && <strong>{title} </strong>}
        {cause} {cure && <span className="text-muted">{cure}</span>}
      </p>
      {request && <p className="mt-1 text-s text-muted">{words.request("")}<span className="font-code text-xs">{request}</span></p>}
    </Note>
  );
}
