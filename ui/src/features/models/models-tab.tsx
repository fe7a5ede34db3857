import { useQuery } from "@tanstack/react-query";
import { Boxes, CircleSlash, Ellipsis, HardDriveDownload, HardDriveUpload, Pencil, Star, Trash2, TriangleAlert } from "lucide-react";
import { useState } from "react";
import { Confirm } from "@/components/ui/dialog";
import { Empty } from "@/components/ui/empty";
import { ErrorPanel } from "@/components/ui/error-panel";
import { IconButton } from "@/components/ui/icon-button";
import { Menu, MenuItem, MenuLine } from "@/components/ui/menu";
import { Pill, Tag } from "@/components/ui/pill";
import { SkeletonRows } from "@/components/ui/skeleton";
import { Cell, Head, Row, Table } from "@/components/ui/table";
import { useToast } from "@/components/ui/toast";
import { useFormat } from "@/lib/format";
import { useWords } from "@/lib/words";
import { ModelDialog } from "./model-dialog";
import { type Model, modelsQuery, useChangeModel, useMemory } from "./queries";
import { modelWords } from "./words";

interface OnServer {
  model: Model;
  server: { id: string; name: string; model: string };
}

/** The models of all servers, with who may use them. */
export function ModelsTab() {
  const words = useWords(modelWords);
  const toast = useToast();
  const models = useQuery(modelsQuery);
  const change = useChangeModel();
  const memory = useMemory();
  const remove = useMemory();
  const [editing, setEditing] = useState<Model | null>(null);
  const [deleting, setDeleting] = useState<OnServer | null>(null);

  if (models.isPending) return <SkeletonRows rows={4} />;
  if (!models.data) return <ErrorPanel title={words.modelsFailed} error={models.error} retry={() => void models.refetch()} />;
  if (models.data.items.length === 0) return <Empty icon={Boxes} title={words.noModels}>{words.noModelsLead}</Empty>;
  const failure = change.error ?? memory.error;
  return (
    <>
      {failure && <div className="mb-3"><ErrorPanel title={words.failed} error={failure} /></div>}
      <Table
        label={words.tabs.models}
        head={
          <>
            <Head>{words.model}</Head>
            <Head className="max-frame:hidden">{words.abilities}</Head>
            <Head figures className="max-frame:hidden">{words.context}</Head>
            <Head className="max-frame:hidden">{words.where}</Head>
            <Head className="max-frame:hidden">{words.access}</Head>
            <Head hidden>{words.actions}</Head>
          </>
        }
      >
        {models.data.items.map((model) => (
          <ModelRow
            key={model.id}
            model={model}
            onEdit={() => setEditing(model)}
            onStandard={() => change.mutate({ id: model.id, change: { default: true } }, { onSuccess: () => toast(words.standardTold(model.label)) })}
            onMemory={(act, server) => {
              if (act === "delete") {
                remove.reset();
                setDeleting({ model, server });
              } else {
                if (act === "load") toast(words.loading(model.label));
                memory.mutate(
                  { act, server: server.id, model: server.model },
                  { onSuccess: () => toast(act === "load" ? words.loadedTold(model.label) : words.unloaded(model.label)) },
                );
              }
            }}
          />
        ))}
      </Table>
      {editing && <ModelDialog model={editing} onClose={() => setEditing(null)} />}
      {deleting && (
        <Confirm
          open
          onClose={() => setDeleting(null)}
          title={words.deleteTitle(deleting.model.label, deleting.server.name)}
          keep={words.keep}
          act={words.deleteAct}
          busy={remove.isPending}
          error={remove.error}
          onAct={() =>
            remove.mutate(
              { act: "delete", server: deleting.server.id, model: deleting.server.model },
              {
                onSuccess: () => {
                  toast(words.deleted(deleting.model.label));
                  setDeleting(null);
                },
              },
            )
          }
        >
          {words.deleteLead}
        </Confirm>
      )}
    </>
  );
}

interface RowProps {
  model: Model;
  onEdit: () => void;
  onStandard: () => void;
  onMemory: (act: "load" | "unload" | "delete", server: OnServer["server"]) => void;
}

function ModelRow({ model, onEdit, onStandard, onMemory }: RowProps) {
  const words = useWords(modelWords);
  const format = useFormat();
  const servers = (model.manage?.servers ?? []).filter((s) => !s.gone);
  const details = [model.label !== model.name && model.name, model.parameters, model.quantization].filter(Boolean).join(" · ");
  return (
    <Row>
      <Cell>
        <span className="block min-w-0 py-1.5">
          <span className="flex flex-wrap items-center gap-2">
            <span className="break-all">{model.label}</span>
            {model.default && <Tag>{words.standard}</Tag>}
            {model.manage?.enabled === false ? (
              <Pill icon={CircleSlash}>{words.off}</Pill>
            ) : (
              !model.available && <Pill kind="care" icon={TriangleAlert}>{words.missing}</Pill>
            )}
          </span>
          {details && <span className="block text-xs break-all text-muted">{details}</span>}
          {!model.available && model.manage?.enabled && <span className="block text-xs text-muted">{model.why}</span>}
        </span>
      </Cell>
      <Cell className="max-frame:hidden"><span className="flex flex-wrap gap-1"><Abilities model={model} /></span></Cell>
      <Cell figures className="whitespace-nowrap text-muted max-frame:hidden">
        {model.kind === "chat" && model.context > 0 ? words.tokens(format.number(model.context)) : ""}
      </Cell>
      <Cell className="text-s text-muted max-frame:hidden">
        {servers.map((s) => <span key={s.id} className="block">{s.name}, {s.loaded ? words.loaded : words.cold}</span>)}
      </Cell>
      <Cell className="text-muted max-frame:hidden"><AccessText model={model} /></Cell>
      <Cell className="w-px text-end">
        <Menu trigger={<IconButton small icon={Ellipsis} label={words.menuOf(model.label)} />}>
          <MenuItem icon={Pencil} onSelect={onEdit}>{words.editModel}</MenuItem>
          {model.kind === "chat" && !model.default && <MenuItem icon={Star} onSelect={onStandard}>{words.makeStandard}</MenuItem>}
          {servers.length > 0 && <MenuLine />}
          {servers.map((s) => (
            <MenuItem key={s.id} icon={s.loaded ? HardDriveUpload : HardDriveDownload} onSelect={() => onMemory(s.loaded ? "unload" : "load", s)}>
              {s.loaded ? words.unloadOn(s.name) : words.loadOn(s.name)}
            </MenuItem>
          ))}
          {servers.filter((s) => s.kind === "ollama").map((s) => (
            <MenuItem key={`${s.id}-delete`} danger icon={Trash2} onSelect={() => onMemory("delete", s)}>{words.deleteOn(s.name)}</MenuItem>
          ))}
        </Menu>
      </Cell>
    </Row>
  );
}

function Abilities({ model }: { model: Model }) {
  const words = useWords(modelWords);
  const { vision, thinking, tools } = model.capabilities;
  return (
    <>
      {model.kind === "embedding" && <Tag>{words.vectors}</Tag>}
      {vision && <Tag>{words.vision}</Tag>}
      {thinking && <Tag>{words.thinking}</Tag>}
      {tools && <Tag>{words.tools}</Tag>}
    </>
  );
}

function AccessText({ model }: { model: Model }) {
  const words = useWords(modelWords);
  const format = useFormat();
  const manage = model.manage;
  if (!manage || manage.everyone) return words.everyone;
  return manage.access.length === 0 ? words.nobody : words.some(manage.access.length, format.number(manage.access.length));
}
