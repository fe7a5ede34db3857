import { useQuery } from "@tanstack/react-query";
import { Plus, Server as ServerIcon } from "lucide-react";
import { useEffect, useState } from "react";
import { useSession } from "@/api/query";
import { Button } from "@/components/ui/button";
import { Empty } from "@/components/ui/empty";
import { PageBody, PageTitle, Topbar } from "@/components/ui/frame";
import { Note } from "@/components/ui/note";
import { TabPanel, Tabs } from "@/components/ui/tabs";
import { useFormat } from "@/lib/format";
import { administers } from "@/lib/roles";
import { useWords } from "@/lib/words";
import { FilesTab } from "./files-tab";
import { ModelsTab } from "./models-tab";
import { detectedQuery, modelsQuery, serversQuery } from "./queries";
import { ServerDialog } from "./server-dialog";
import { ServersTab } from "./servers-tab";
import { flavourOf } from "./flavour";
import { useModelUpload } from "./use-model-upload";
import { modelWords } from "./words";

/** The model servers, their models and who may use them; for administrators. */
export function ModelsPage() {
  const words = useWords(modelWords);
  const { person } = useSession();
  useEffect(() => {
    document.title = `${words.title} · ChatETS`;
  }, [words]);
  return (
    <>
      <Topbar>{words.title}</Topbar>
      <PageBody>
        {administers(person) ? <Models /> : <Empty heading icon={ServerIcon} title={words.forbidden}>{words.forbiddenLead}</Empty>}
      </PageBody>
    </>
  );
}

type Tab = "servers" | "models" | "files";

function Models() {
  const words = useWords(modelWords);
  const [tab, setTab] = useState<Tab>("servers");
  const [adding, setAdding] = useState(false);
  const servers = useQuery(serversQuery);
  const models = useQuery(modelsQuery);
  const upload = useModelUpload();
  // The empty list has the same button, and one is enough.
  const bare = tab === "servers" && servers.data?.items.length === 0;
  return (
    <>
      <PageTitle
        title={words.title}
        lead={words.lead}
        actions={!bare && <Button kind="primary" onClick={() => setAdding(true)}><Plus aria-hidden="true" />{words.add}</Button>}
      />
      <Found />
      <Tabs
        label={words.title}
        value={tab}
        onChange={setTab}
        tabs={[
          { value: "servers", label: words.tabs.servers, count: servers.data?.items.length },
          { value: "models", label: words.tabs.models, count: models.data?.items.length },
          { value: "files", label: words.tabs.files },
        ]}
      >
        <TabPanel value="servers"><ServersTab onAdd={() => setAdding(true)} /></TabPanel>
        <TabPanel value="models"><ModelsTab /></TabPanel>
        <TabPanel value="files"><FilesTab upload={upload} /></TabPanel>
      </Tabs>
      {adding && <ServerDialog onClose={() => setAdding(false)} />}
    </>
  );
}

/** Model servers that answer on this machine and are not connected: they are offered, never used unasked. */
function Found() {
  const words = useWords(modelWords);
  const format = useFormat();
  const servers = useQuery(serversQuery);
  const found = useQuery(detectedQuery);
  const [adding, setAdding] = useState<string | null>(null);
  const port = (url: string) => new URL(url).port;
  const known = new Set((servers.data?.items ?? []).filter((s) => /\/\/(127\.|localhost|\[::1\])/.test(s.url)).map((s) => port(s.url)));
  const offers = servers.data ? (found.data?.items ?? []).filter((d) => !known.has(port(d.url))) : [];
  const chosen = offers.find((d) => d.url === adding);
  return (
    <>
      {offers.map((offer) => (
        <Note key={offer.url} kind="live" className="mb-3" action={<Button small onClick={() => setAdding(offer.url)}>{words.useFound}</Button>}>
          {words.found(flavourOf(offer.flavour || offer.kind), offer.url, offer.models.length, format.number(offer.models.length))}
        </Note>
      ))}
      {chosen && (
        <ServerDialog
          start={{ name: flavourOf(chosen.flavour || chosen.kind), kind: chosen.kind, url: chosen.url }}
          onClose={() => setAdding(null)}
        />
      )}
    </>
  );
}
