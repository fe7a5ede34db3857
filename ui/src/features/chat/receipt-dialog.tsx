import { queryOptions, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { api, body } from "@/api/client";
import { key } from "@/api/query";
import type { Schema } from "@/api/types";
import { Dialog } from "@/components/ui/dialog";
import { ErrorPanel } from "@/components/ui/error-panel";
import { KeyMark } from "@/components/ui/key";
import { Note } from "@/components/ui/note";
import { Loading, Skeleton } from "@/components/ui/skeleton";
import { useFormat } from "@/lib/format";
import { useLanguage, useWords } from "@/lib/words";
import { useModels } from "./models";
import { placeOf } from "./sources";
import { detailWords } from "./detail-words";
import { chatWords } from "./words";

type Receipt = Schema<"Receipt">;

function receiptQuery(message: string) {
  return queryOptions({
    queryKey: key("/api/messages/{id}/receipt", message),
    queryFn: ({ signal }) => body(api.GET("/api/messages/{id}/receipt", { params: { path: { id: message } }, signal })),
  });
}

/** How an answer came about: what was found, what was sent, and how long each step took. */
export function ReceiptDialog({ message, onClose }: { message: string; onClose: () => void }) {
  const detail = useWords(detailWords);
  const query = useQuery(receiptQuery(message));
  return (
    <Dialog open wide onClose={onClose} title={detail.receipt} lead={detail.receiptLead}>
      {/* It scrolls, so the keyboard must be able to reach it. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div role="region" aria-label={detail.receipt} tabIndex={0} data-first-focus className="thin-scroll -mx-2 grid max-h-[65dvh] gap-5 overflow-y-auto rounded-s px-2">
        {query.isPending && <Loading className="grid gap-3"><Skeleton className="w-2/5" /><Skeleton /><Skeleton className="w-4/5" /></Loading>}
        {query.isError && <ErrorPanel error={query.error} retry={() => void query.refetch()} />}
        {query.data && <Slip receipt={query.data} />}
      </div>
    </Dialog>
  );
}

function Slip({ receipt }: { receipt: Receipt }) {
  const detail = useWords(detailWords);
  const format = useFormat();
  const models = useModels();
  const { parameters, times, tokens } = receipt;
  return (
    <>
      {receipt.withheld && <Note kind="care">{detail.receiptWithheld}</Note>}
      <Facts
        rows={[
          [detail.infoModel, models.label(receipt.model)],
          [detail.receiptDigest, receipt.digest && <span className="font-code text-xs break-all">{receipt.digest}</span>],
          [detail.receiptQuery, receipt.query],
          [detail.infoIn, tokens.prompt > 0 && detail.countedEstimated(format.number(tokens.prompt), format.number(tokens.estimated))],
          [detail.infoOut, format.number(tokens.output)],
          [detail.receiptRoom, detail.receiptRoomOf(format.number(parameters.context), format.number(parameters.maxTokens))],
          [detail.receiptTemperature, parameters.temperature !== undefined && format.number(parameters.temperature)],
        ]}
      />
      <Part title={detail.receiptTimes}><Times times={times} /></Part>
      <Part title={detail.receiptPassages(receipt.passages.length)}>
        {receipt.passages.length === 0 ? <p className="text-s text-muted">{detail.receiptNoPassages}</p> : <Passages receipt={receipt} />}
      </Part>
      {receipt.prompt.length > 0 && (
        <Part title={detail.receiptPrompt}>
          <ol className="grid gap-2">
            {receipt.prompt.map((said, i) => (
              <li key={i}>
                <details className="rounded-s bg-sunken">
                  <summary className="cursor-pointer rounded-s px-3 py-1.5 text-s touch:py-2.5">
                    {detail.roles[said.role as keyof typeof detail.roles] ?? said.role}
                    <span className="num ms-2 text-xs text-muted">{detail.characters(format.number(Array.from(said.content).length))}</span>
                  </summary>
                  <pre dir="auto" className="px-3 pb-3 font-code text-xs break-words whitespace-pre-wrap">{said.content}</pre>
                </details>
              </li>
            ))}
          </ol>
        </Part>
      )}
    </>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section>
      <h3 className="mb-2 text-s text-muted">{title}</h3>
      {children}
    </section>
  );
}

/** Names and values; what has no value is left out. */
function Facts({ rows }: { rows: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl className="grid grid-cols-[9rem_minmax(0,1fr)] max-frame:grid-cols-[7rem_minmax(0,1fr)] gap-x-4 gap-y-1.5 text-s">
      {rows.filter(([, value]) => value !== false && value !== "" && value !== undefined).map(([name, value]) => (
        <div key={name} className="contents">
          <dt className="text-muted">{name}</dt>
          <dd className="num min-w-0 break-words">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Times({ times }: { times: Receipt["times"] }) {
  const words = useWords(chatWords);
  const detail = useWords(detailWords);
  const language = useLanguage();
  const shown = (ms: number) => words.seconds(new Intl.NumberFormat(language, { maximumFractionDigits: 2 }).format(ms / 1000));
  return (
    <Facts
      rows={[
        [words.queued, shown(times.queuedMs)],
        [words.loading, times.loadingMs > 0 && shown(times.loadingMs)],
        [words.searching, shown(times.searchingMs)],
        [detail.infoFirst, shown(times.firstTokenMs)],
        [words.writingNow, shown(times.writingMs)],
        [detail.infoTotal, <strong key="total" className="font-medium">{shown(times.totalMs)}</strong>],
      ]}
    />
  );
}

function Passages({ receipt }: { receipt: Receipt }) {
  const words = useWords(chatWords);
  const detail = useWords(detailWords);
  const language = useLanguage();
  const score = new Intl.NumberFormat(language, { maximumFractionDigits: 2, minimumFractionDigits: 2 });
  return (
    <ul className="grid gap-2">
      {receipt.passages.map((passage) => {
        const place = placeOf({ ...passage, document: { id: passage.document, title: passage.title } }, words.page);
        return (
          <li key={passage.number} className="grid grid-cols-[auto_minmax(0,1fr)_auto] items-start gap-x-2.5 text-s">
            <KeyMark number={passage.number} className="mt-0.5" />
            <div className="min-w-0">
              <p className="truncate">
                {passage.withheld ? passage.title : (
                  <Link to="/documents/$document" params={{ document: passage.document }} search={{ from: passage.start, to: passage.end, n: passage.number }} className="text-text">{passage.title}</Link>
                )}
                {place && <span className="num text-muted"> · {place}</span>}
              </p>
              <p dir="auto" className="line-clamp-2 text-muted">{passage.withheld ? words.withheld : passage.text}</p>
            </div>
            <span className="num text-muted" title={detail.receiptScoreHelp}>{detail.receiptScore(score.format(passage.score))}</span>
          </li>
        );
      })}
    </ul>
  );
}
