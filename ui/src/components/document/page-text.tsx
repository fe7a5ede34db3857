import { useQuery } from "@tanstack/react-query";
import { FileText } from "lucide-react";
import { pageTextQuery } from "@/api/content";
import { Empty } from "@/components/ui/empty";
import { ErrorPanel } from "@/components/ui/error-panel";
import { Loading, SkeletonRows } from "@/components/ui/skeleton";
import { useWords } from "@/lib/words";
import { type Passage, PaperBlocks } from "./blocks";
import { documentWords } from "./words";
import "./paper.css";

interface PageTextProps {
  document: string;
  page: number;
  passage: Passage | undefined;
}

/** The text of one page, to stand beside its picture. */
export function PageText({ document, page, passage }: PageTextProps) {
  const words = useWords(documentWords);
  const query = useQuery(pageTextQuery(document, page));
  if (query.isPending) return <Loading><SkeletonRows rows={6} /></Loading>;
  if (!query.data) return <ErrorPanel error={query.error} title={words.failed} retry={() => void query.refetch()} />;
  if (query.data.length === 0) return <Empty icon={FileText} title={words.noPageText} />;
  return (
    <div className="paper">
      <section>
        <PaperBlocks blocks={query.data} slides={false} passage={passage} />
      </section>
    </div>
  );
}
