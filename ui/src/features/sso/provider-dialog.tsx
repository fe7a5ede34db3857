import { type FormEvent, useState } from "react";
import { asProblem } from "@/api/problem";
import { Button } from "@/components/ui/button";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { ErrorPanel } from "@/components/ui/error-panel";
import { CheckField, PasswordField, SelectField, TextField } from "@/components/ui/field";
import { useToast } from "@/components/ui/toast";
import { useWords } from "@/lib/words";
import { LongField } from "./long-field";
import { type Provider, type Settings, useAddProvider, useChangeProvider } from "./queries";
import { ssoWords } from "./words";

const kinds = ["oidc", "saml"] as const;
const roles = ["member", "guest", "editor", "admin"] as const;

const listed = (text: string) => text.split(/[\s,]+/).filter(Boolean);

/** Adds a provider, or changes one. */
export function ProviderDialog({ provider, onClose }: { provider?: Provider; onClose: () => void }) {
  const words = useWords(ssoWords);
  return (
    <Dialog open wide onClose={onClose} title={provider ? words.editTitle(provider.name) : words.add}>
      <ProviderForm {...(provider ? { provider } : {})} onClose={onClose} />
    </Dialog>
  );
}

function ProviderForm({ provider, onClose }: { provider?: Provider; onClose: () => void }) {
  const words = useWords(ssoWords);
  const toast = useToast();
  const add = useAddProvider();
  const change = useChangeProvider();
  const [kind, setKind] = useState<Provider["kind"]>(provider?.kind ?? "oidc");
  const [name, setName] = useState(provider?.name ?? "");
  const [secret, setSecret] = useState("");
  const [settings, setSettings] = useState<Settings>(provider?.settings ?? { create: true, groups: true });
  const [scopes, setScopes] = useState((provider?.settings.scopes ?? ["profile", "email"]).join(" "));
  const [hosts, setHosts] = useState((provider?.settings.hosts ?? []).join(" "));
  const adminRule = settings.rules?.find((rule) => rule.installation === "admin");
  const [admins, setAdmins] = useState(adminRule?.group ?? "");

  const failure = add.error ?? change.error;
  const problem = failure ? asProblem(failure) : null;
  const errorOf = (field: string) => problem?.field(field) ?? problem?.field(`settings.${field}`);
  const known = ["name", "secret", "issuer", "clientId", "scopes", "hosts", "ca", "metadata"];
  const put = (part: Partial<Settings>) => setSettings({ ...settings, ...part });
  const text = (field: "label" | "issuer" | "clientId" | "groupsClaim" | "emailAttribute" | "nameAttribute" | "only") => ({
    value: settings[field] ?? "",
    error: errorOf(field),
    onChange: (event: { target: { value: string } }) => put({ [field]: event.target.value }),
    autoComplete: "off",
    spellCheck: false,
  });

  function submit(event: FormEvent) {
    event.preventDefault();
    if (add.isPending || change.isPending) return;
    const others = (settings.rules ?? []).filter((rule) => rule !== adminRule);
    const rules = admins.trim() ? [...others, { group: admins.trim(), installation: "admin" as const, role: "admin" as const }] : others;
    const whole: Settings = { ...settings, rules, ...(kind === "oidc" ? { scopes: listed(scopes), hosts: listed(hosts) } : {}) };
    const told = (sentence: string) => ({
      onSuccess: () => {
        toast(sentence);
        onClose();
      },
    });
    if (provider) change.mutate({ id: provider.id, change: { settings: whole, ...(secret ? { secret } : {}) } }, told(words.changed(provider.name)));
    else add.mutate({ kind, name: name.trim(), settings: whole, ...(secret ? { secret } : {}) }, told(words.added(name.trim())));
  }

  return (
    <form noValidate onSubmit={submit} className="grid grid-cols-1 gap-4">
      {problem && !known.some(errorOf) && <ErrorPanel error={problem} />}
      {!provider && <SelectField label={words.kind} value={kind} options={kinds.map((value) => ({ value, label: words.kinds[value] }))} onChange={setKind} />}
      {!provider && (
        <TextField label={words.name} help={words.nameHelp} value={name} error={errorOf("name")} maxLength={64} autoComplete="off" autoCapitalize="off" spellCheck={false} data-first-focus onChange={(event) => setName(event.target.value)} />
      )}
      <TextField label={words.label} help={words.labelHelp} maxLength={60} {...text("label")} />
      {kind === "oidc" ? (
        <>
          <TextField label={words.issuer} help={words.issuerHelp} type="url" autoCapitalize="off" {...text("issuer")} />
          <TextField label={words.clientId} autoCapitalize="off" {...text("clientId")} />
          <PasswordField label={words.secret} help={provider?.hasSecret ? words.secretKept : words.secretHelp} autoComplete="new-password" value={secret} error={errorOf("secret")} onChange={(event) => setSecret(event.target.value)} />
          <TextField label={words.scopes} help={words.scopesHelp} value={scopes} error={errorOf("scopes")} autoComplete="off" spellCheck={false} onChange={(event) => setScopes(event.target.value)} />
          <TextField label={words.hosts} help={words.hostsHelp} value={hosts} error={errorOf("hosts")} autoComplete="off" spellCheck={false} onChange={(event) => setHosts(event.target.value)} />
          <LongField label={words.ca} help={words.caHelp} value={settings.ca ?? ""} error={errorOf("ca")} onChange={(ca) => put({ ca })} />
          <TextField label={words.groupsClaim} help={words.groupsClaimHelp} {...text("groupsClaim")} />
        </>
      ) : (
        <>
          <LongField label={words.metadata} help={words.metadataHelp} value={settings.metadata ?? ""} error={errorOf("metadata")} onChange={(metadata) => put({ metadata })} />
          <TextField label={words.emailAttribute} help={words.usual} {...text("emailAttribute")} />
          <TextField label={words.nameAttribute} help={words.usual} {...text("nameAttribute")} />
          <TextField label={words.groupsAttribute} help={words.usual} {...text("groupsClaim")} />
        </>
      )}
      <h3 className="mt-2 font-medium">{words.admission}</h3>
      <CheckField label={words.create} checked={settings.create ?? false} onChange={(create) => put({ create })} />
      <CheckField label={words.groups} checked={settings.groups ?? false} onChange={(groups) => put({ groups })} />
      <CheckField label={words.linkByEmail} help={words.linkHelp} checked={settings.linkByEmail ?? false} onChange={(linkByEmail) => put({ linkByEmail })} />
      <CheckField label={words.trustSecondStep} help={words.trustHelp} checked={settings.trustSecondStep ?? false} onChange={(trustSecondStep) => put({ trustSecondStep })} />
      {kind === "saml" && <CheckField label={words.unasked} help={words.unaskedHelp} checked={settings.unasked ?? false} onChange={(unasked) => put({ unasked })} />}
      <SelectField label={words.role} value={settings.role ?? "member"} options={roles.map((value) => ({ value, label: words.roles[value] }))} onChange={(role) => put({ role })} />
      <TextField label={words.only} help={words.onlyHelp} {...text("only")} />
      <TextField label={words.admins} value={admins} autoComplete="off" spellCheck={false} onChange={(event) => setAdmins(event.target.value)} />
      <DialogActions>
        <Button onClick={onClose}>{words.cancel}</Button>
        <Button kind="primary" type="submit" busy={add.isPending || change.isPending}>{provider ? words.save : words.add}</Button>
      </DialogActions>
    </form>
  );
}
