import { useQuery } from "@tanstack/react-query";
import { ShieldCheck, ThumbsUp } from "lucide-react";
import { useState } from "react";
import { api, body } from "@/api/client";
import { key, useSession } from "@/api/query";
import { Empty } from "@/components/ui/empty";
import { ErrorPanel } from "@/components/ui/error-panel";
import { PageBody, PageTitle, Topbar } from "@/components/ui/frame";
import { Loading, Skeleton } from "@/components/ui/skeleton";
import { useFormat } from "@/lib/format";
import { administers } from "@/lib/roles";
import { useWords } from "@/lib/words";
import { feedbackWords } from "./words";

/** What people think of answers, in numbers. */
export function FeedbackPage() {
  const words = useWords(feedbackWords);
  const { person } = useSession();
  return (
    <>
      <Topbar>{words.title}</Topbar>
      <PageBody>
        {administers(person) ? <Counts /> : <Empty heading icon={ShieldCheck} title={words.forbidden}>{words.forbiddenLead}</Empty>}
      </PageBody>
    </>
  );
}

const periods = [7, 30, 90, 365];

function Counts() {
  const words = useWords(feedbackWords);
  const format = useFormat();
  const [days, setDays] = useState(30);
  const query = useQuery({ queryKey: key("/api/feedback", days), queryFn: ({ signal }) => body(api.GET("/api/feedback", { params: { query: { days } }, signal })) });
  const items = query.data?.items;
  let table;
  if (query.isPending) table = <Loading className="grid gap-3"><Skeleton /><Skeleton className="w-4/5" /></Loading>;
  else if (!items) table = <ErrorPanel title={words.failed} error={query.error} retry={() => void query.refetch()} />;
  else if (items.length === 0) table = <Empty icon={ThumbsUp} title={words.none} />;
  else {
    table = (
      // What scrolls can be reached by the keyboard.
      // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      <div className="thin-scroll overflow-x-auto rounded-m card-edge" role="region" aria-label={words.title} tabIndex={0}>
        <table className="num w-full text-start">
          <thead className="bg-sunken text-xs text-muted">
            <tr className="h-9">
              <th scope="col" className="px-4 text-start font-medium">{words.model}</th>
              <th scope="col" className="px-4 text-end font-medium">{words.good}</th>
              <th scope="col" className="px-4 text-end font-medium">{words.bad}</th>
              <th scope="col" className="px-4 text-end font-medium whitespace-nowrap">{words.share}</th>
              <th scope="col" className="px-4 text-start font-medium">{words.reasons}</th>
            </tr>
          </thead>
          <tbody>
            {items.map((item) => (
              <tr key={item.model} className="h-11 border-t border-line">
                <th scope="row" className="px-4 text-start font-medium">{item.model || words.ownWords}</th>
                <td className="px-4 text-end">{format.number(item.up)}</td>
                <td className="px-4 text-end">{format.number(item.down)}</td>
                <td className="px-4 text-end">{format.number(Math.round((100 * item.up) / (item.up + item.down)))} %</td>
                <td className="px-4 py-2 text-s text-muted">
                  {Object.entries(item.reasons).sort(([, a], [, b]) => b - a).map(([reason, n]) => `${words.reason[reason] ?? reason} ${format.number(n)}`).join(", ")}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    );
  }
  return (
    <>
      <PageTitle
        title={words.title}
        lead={words.lead}
        actions={
          <label>
            <span className="unseen">{words.period}</span>
            <select value={days} onChange={(event) => setDays(Number(event.target.value))} className="h-control rounded-s bg-raised px-2.75 ring-edge">
              {periods.map((n) => <option key={n} value={n}>{words.days(n)}</option>)}
            </select>
          </label>
        }
      />
      {table}
    </>
  );
}
