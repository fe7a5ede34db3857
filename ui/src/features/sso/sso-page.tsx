import { useQuery } from "@tanstack/react-query";
import { CircleOff, Check, Ellipsis, LogIn, Pencil, Plus, Power, ShieldCheck, Trash2 } from "lucide-react";
import { useEffect, useState } from "react";
import { useSession } from "@/api/query";
import { Button } from "@/components/ui/button";
import { Confirm, Dialog, DialogActions } from "@/components/ui/dialog";
import { Empty } from "@/components/ui/empty";
import { ErrorPanel } from "@/components/ui/error-panel";
import { Card, PageBody, PageTitle, Topbar } from "@/components/ui/frame";
import { IconButton } from "@/components/ui/icon-button";
import { Menu, MenuItem } from "@/components/ui/menu";
import { Pill } from "@/components/ui/pill";
import { SkeletonRows } from "@/components/ui/skeleton";
import { Spinner } from "@/components/ui/spinner";
import { useToast } from "@/components/ui/toast";
import { useFormat } from "@/lib/format";
import { administers } from "@/lib/roles";
import { useWords } from "@/lib/words";
import { ProviderDialog } from "./provider-dialog";
import { type Provider, providersQuery, useChangeProvider, useRemoveProvider, useTestProvider, useTrial } from "./queries";
import { Steps } from "./steps";
import { ssoWords } from "./words";

/** The identity providers; for administrators. */
export function SsoPage() {
  const words = useWords(ssoWords);
  const { person } = useSession();
  useEffect(() => {
    document.title = `${words.title} · ChatETS`;
  }, [words]);
  return (
    <>
      <Topbar>{words.title}</Topbar>
      <PageBody>
        {administers(person) ? <Providers /> : <Empty heading icon={ShieldCheck} title={words.forbidden}>{words.forbiddenLead}</Empty>}
      </PageBody>
    </>
  );
}

type Open = { act: "add" } | { act: "edit" | "test" | "remove"; provider: Provider };

function Providers() {
  const words = useWords(ssoWords);
  const providers = useQuery(providersQuery);
  const [open, setOpen] = useState<Open | null>(null);
  const close = () => setOpen(null);
  const items = providers.data?.items;
  let list = <SkeletonRows rows={2} />;
  if (items?.length === 0) list = <Empty icon={LogIn} title={words.none}>{words.noneHelp}</Empty>;
  else if (items) list = <div className="grid gap-4">{items.map((provider) => <ProviderCard key={provider.id} provider={provider} onOpen={setOpen} />)}</div>;
  else if (providers.isError) list = <ErrorPanel title={words.failed} error={providers.error} retry={() => void providers.refetch()} />;
  return (
    <>
      <PageTitle title={words.title} lead={words.lead} actions={<Button kind="primary" onClick={() => setOpen({ act: "add" })}><Plus aria-hidden="true" className="size-4" />{words.add}</Button>} />
      {list}
      {open?.act === "add" && <ProviderDialog onClose={close} />}
      {open?.act === "edit" && <ProviderDialog provider={open.provider} onClose={close} />}
      {open?.act === "test" && <TestDialog provider={open.provider} onClose={close} />}
      {open?.act === "remove" && <RemoveDialog provider={open.provider} onClose={close} />}
    </>
  );
}

const registered = ["redirect", "signedOut", "backChannel", "entityId", "acs", "slo"] as const;

function ProviderCard({ provider, onOpen }: { provider: Provider; onOpen: (open: Open) => void }) {
  const words = useWords(ssoWords);
  const format = useFormat();
  const toast = useToast();
  const change = useChangeProvider();
  const trial = useTrial();
  const { id, name, enabled } = provider;
  const failure = change.error ?? trial.error;
  return (
    <Card
      title={provider.settings.label || name}
      actions={
        <span className="flex items-center gap-2">
          {enabled ? <Pill kind="ok" icon={Check}>{words.on}</Pill> : <Pill icon={CircleOff}>{words.off}</Pill>}
          <Menu trigger={<IconButton small icon={Ellipsis} label={words.menuOf(name)} />}>
            <MenuItem icon={Pencil} onSelect={() => onOpen({ act: "edit", provider })}>{words.edit}</MenuItem>
            <MenuItem icon={Power} onSelect={() => change.mutate({ id, change: { enabled: !enabled } }, { onSuccess: () => toast(words.changed(name)) })}>{enabled ? words.disable : words.enable}</MenuItem>
            <MenuItem icon={Trash2} danger onSelect={() => onOpen({ act: "remove", provider })}>{words.remove}</MenuItem>
          </Menu>
        </span>
      }
    >
      {failure ? <ErrorPanel error={failure} /> : null}
      <p className="text-s text-muted">{words.kinds[provider.kind]} · {name} · {words.people(provider.people, format.number(provider.people))}</p>
      <h3 className="mt-4 mb-2 text-s font-medium">{words.register}</h3>
      <dl className="grid gap-x-4 gap-y-1 text-s sm:grid-cols-[max-content_minmax(0,1fr)]">
        {registered.map((field) => {
          const value = provider.register[field];
          if (!value) return null;
          return (
            <div key={field} className="contents">
              <dt className="text-muted">{words.fields[field]}</dt>
              <dd className="font-mono text-xs leading-5 wrap-anywhere select-all">{value}</dd>
            </div>
          );
        })}
      </dl>
      {enabled && (
        <div className="mt-4 flex flex-wrap items-center gap-2">
          <Button onClick={() => onOpen({ act: "test", provider })}>{words.test}</Button>
          <Button busy={trial.isPending} onClick={() => trial.mutate(name)}>{words.tryIt}</Button>
          <span className="text-s text-muted">{words.tryHelp}</span>
        </div>
      )}
      {provider.try && (
        <section className="mt-4 rounded-m bg-sunken px-4 py-3">
          <h3 className="mb-2 text-s font-medium">{words.trial(format.age(provider.try.at))}</h3>
          <Steps steps={provider.try.steps} />
        </section>
      )}
      {provider.failures.length > 0 && (
        <details className="mt-4">
          <summary className="cursor-pointer text-s font-medium">{words.failures} ({format.number(provider.failures.length)})</summary>
          <ul className="mt-2 grid gap-2">
            {provider.failures.map((failed, index) => (
              <li key={`${failed.at} ${index}`} className="text-s">
                <span className="text-muted">{format.age(failed.at)}</span> {failed.sentence} <span className="text-muted">{failed.cure}</span>
              </li>
            ))}
          </ul>
        </details>
      )}
    </Card>
  );
}

function TestDialog({ provider, onClose }: { provider: Provider; onClose: () => void }) {
  const words = useWords(ssoWords);
  const test = useTestProvider();
  const { mutate } = test;
  useEffect(() => mutate(provider.id), [mutate, provider.id]);
  return (
    <Dialog open wide onClose={onClose} title={words.testTitle(provider.name)}>
      {test.error ? (
        <ErrorPanel error={test.error} retry={() => mutate(provider.id)} />
      ) : (
        <div role="status" className="rounded-m bg-sunken px-4 py-3">
          {test.data ? <Steps steps={test.data.steps} /> : <p className="flex items-center gap-2"><Spinner />{words.testRuns}</p>}
        </div>
      )}
      <DialogActions>
        <Button busy={test.isPending} onClick={() => mutate(provider.id)}>{words.testAgain}</Button>
        <Button kind="primary" data-first-focus onClick={onClose}>{words.close}</Button>
      </DialogActions>
    </Dialog>
  );
}

function RemoveDialog({ provider, onClose }: { provider: Provider; onClose: () => void }) {
  const words = useWords(ssoWords);
  const toast = useToast();
  const remove = useRemoveProvider();
  const act = () =>
    remove.mutate(provider.id, {
      onSuccess: () => {
        toast(words.removed(provider.name));
        onClose();
      },
    });
  return (
    <Confirm open onClose={onClose} title={words.removeTitle(provider.name)} keep={words.keep} act={words.remove} onAct={act} busy={remove.isPending} error={remove.error}>
      {words.removeLead}
    </Confirm>
  );
}
