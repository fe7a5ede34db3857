// Shows /api/openapi.json readably. It builds elements with their text and
// never markup from strings, so nothing in the document can become script.
"use strict";

const methods = ["get", "post", "put", "patch", "delete"];
let doc = null;
let operations = [];

// el makes an element: el("p", {class: "note"}, "text", child).
function el(name, attributes, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value !== undefined && value !== false) node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== undefined && child !== null));
  return node;
}

// prose makes text with `code` in backquotes.
function prose(text) {
  return String(text ?? "").split("`").map((part, i) => (i % 2 ? el("code", {}, part) : part));
}

function resolve(schema) {
  let s = schema ?? {};
  for (let i = 0; s.$ref && i < 20; i++) s = doc.components.schemas[s.$ref.split("/").pop()] ?? {};
  return s;
}

function refName(schema) {
  return schema?.$ref?.split("/").pop();
}

function typeWords(schema) {
  if (!schema) return "";
  if (schema.$ref) return refName(schema);
  const types = [].concat(schema.type ?? "any");
  const words = types.map((type) => {
    if (type === "array") return `list of ${typeWords(schema.items)}`;
    if (type === "object" && schema.additionalProperties && typeof schema.additionalProperties === "object") return `map of ${typeWords(schema.additionalProperties)}`;
    if (type === "string" && schema.format === "binary") return "bytes";
    if (type === "string" && schema.format) return schema.format;
    return { integer: "whole number", string: "text", boolean: "true or false" }[type] ?? type;
  });
  return words.join(" or ");
}

function limitWords(s) {
  const words = [];
  if (s.enum) words.push(`one of ${s.enum.map((v) => (v === "" ? '""' : v)).join(", ")}`);
  if (s.minimum !== undefined && s.maximum !== undefined) words.push(`${s.minimum} to ${s.maximum}`);
  else if (s.minimum !== undefined) words.push(`at least ${s.minimum}`);
  else if (s.maximum !== undefined) words.push(`at most ${s.maximum}`);
  if (s.minLength && s.maxLength) words.push(`${s.minLength} to ${s.maxLength} characters`);
  else if (s.maxLength) words.push(`at most ${s.maxLength} characters`);
  else if (s.minLength) words.push(`at least ${s.minLength} characters`);
  if (s.maxItems) words.push(`at most ${s.maxItems} entries`);
  if (s.pattern) words.push(s.patternDescription ?? `pattern ${s.pattern}`);
  if (s.default !== undefined) words.push(`default ${JSON.stringify(s.default)}`);
  return words.join("; ");
}

// inside is the object within lists and maps that has fields of its own.
function inside(schema) {
  let s = schema;
  for (let i = 0; s && i < 5; i++) {
    const r = resolve(s);
    if (r.properties) return { schema: r, name: refName(s) };
    s = r.items ?? (typeof r.additionalProperties === "object" ? r.additionalProperties : null);
  }
  return null;
}

function table(heads, rows) {
  return el("div", { class: "wide" }, el("table", {},
    el("thead", {}, el("tr", {}, ...heads.map((head) => el("th", { scope: "col" }, head)))),
    el("tbody", {}, ...rows)));
}

function fieldRow(name, schema, required, description) {
  const text = description ?? schema.description ?? "";
  const limits = limitWords(schema.$ref ? {} : schema.type === "array" ? { ...schema, enum: schema.items?.enum } : schema);
  const cell = el("td", {}, ...prose(text), text && limits ? " " : "", limits ? el("span", { class: "must" }, `${limits}.`) : "");
  const deeper = inside(schema);
  if (deeper) cell.append(later(`Fields of ${deeper.name ?? name}`, () => fields(deeper.schema)));
  return el("tr", {}, el("td", {}, el("code", {}, name), required ? el("span", { class: "must" }, " required") : ""), el("td", {}, typeWords(schema)), cell);
}

function fields(schema) {
  const required = new Set(schema.required ?? []);
  return table(["Field", "Type", "Meaning"], Object.entries(schema.properties ?? {}).map(([name, s]) => fieldRow(name, s, required.has(name))));
}

// later fills a disclosure when it is first opened: types may contain themselves.
function later(title, make) {
  const details = el("details", {}, el("summary", {}, title));
  details.addEventListener("toggle", () => {
    if (details.open && details.children.length === 1) details.append(make());
  });
  return details;
}

function shape(schema) {
  const found = inside(schema);
  if (found) return fields(found.schema);
  return el("p", { class: "must" }, typeWords(schema));
}

function bodyOf(op) {
  const content = op.requestBody?.content;
  if (!content) return [];
  const [media, { schema }] = Object.entries(content)[0];
  return [el("h4", {}, `Body · ${media}`), op.requestBody.description ? el("p", {}, ...prose(op.requestBody.description)) : null,
    media === "application/json" ? shape(schema) : null];
}

function answersOf(op) {
  const parts = [];
  const problems = [];
  for (const [status, response] of Object.entries(op.responses ?? {})) {
    const media = Object.entries(response.content ?? {});
    if (media.some(([type]) => type === "application/problem+json")) {
      if (status !== "default") problems.push(status);
      continue;
    }
    const json = media.find(([type]) => type === "application/json")?.[1];
    const types = media.map(([type]) => type).join(", ");
    const name = json ? typeWords(json.schema) : "";
    parts.push(el("h4", {}, `Answer ${status}${types ? ` · ${types}` : ""}${refName(json?.schema) ? ` · ${name}` : ""}`));
    if (response.description.length > 25) parts.push(el("p", {}, ...prose(response.description))); // more than the words of the status
    if (json) parts.push(later("Show the fields", () => shape(json.schema)));
  }
  if (problems.length) parts.push(el("p", { class: "who" }, `Problems: ${problems.join(", ")}. `, el("a", { href: "#problems" }, "What they mean")));
  return parts;
}

function curlOf(op) {
  const words = ["curl -s"];
  if (op.method !== "get") words.push(`-X ${op.method.toUpperCase()}`);
  const query = op.parameters.filter((p) => p.in === "query" && p.required).map((p) => `${p.name}=${p.name.toUpperCase()}`).join("&");
  words.push(`"$BASE${op.path.replace(/\{(\w+)\}/g, (_, name) => `$${name.toUpperCase()}`)}${query ? `?${query}` : ""}"`);
  if (op.security?.length) words.push('-H "Authorization: Bearer $TOKEN"');
  const content = op.requestBody?.content;
  if (content?.["application/json"]) words.push(`-H "Content-Type: application/json" -d '${JSON.stringify(example(content["application/json"].schema))}'`);
  else if (content) words.push("--data-binary @FILE");
  return words.join(" ");
}

// example is a body with the required fields only.
function example(schema, depth = 0) {
  const s = resolve(schema);
  if (s.default !== undefined) return s.default;
  if (s.enum) return s.enum[0];
  const type = [].concat(s.type ?? "object")[0];
  if (type === "object") {
    if (depth > 3) return {};
    return Object.fromEntries((s.required ?? []).map((name) => [name, example(s.properties[name], depth + 1)]));
  }
  if (type === "array") return [];
  return { string: "…", integer: s.minimum ?? 0, number: s.minimum ?? 0, boolean: false }[type] ?? null;
}

function methodMark(method) {
  return el("span", { class: `method ${method}` }, method.toUpperCase());
}

function card(op) {
  return el("article", { class: "op", id: op.operationId },
    el("h3", {}, methodMark(op.method), el("a", { href: `#${op.operationId}` }, el("code", {}, op.path))),
    el("p", {}, ...prose(op.summary)),
    el("p", { class: "who" }, op.description || "For everybody who is signed in."),
    ...(op.parameters.length ? [el("h4", {}, "Parameters"),
      table(["Name", "In and type", "Meaning"], op.parameters.map((p) => {
        const row = fieldRow(p.name, p.schema ?? {}, p.required, p.description);
        row.children[1].prepend(`${p.in} · `);
        return row;
      }))] : []),
    ...bodyOf(op).filter(Boolean), ...answersOf(op),
    later("Show a call", () => el("pre", {}, el("code", {}, curlOf(op)))));
}

function read() {
  const list = [];
  for (const [path, item] of Object.entries(doc.paths ?? {})) {
    for (const method of methods) {
      const op = item[method];
      if (!op) continue;
      const tag = op.tags?.[0] ?? "More";
      list.push({ ...op, method, path, tag, parameters: op.parameters ?? [],
        words: `${method} ${path} ${op.operationId} ${op.summary} ${tag}`.toLowerCase() });
    }
  }
  return list.sort((a, b) => a.tag.localeCompare(b.tag) || a.path.localeCompare(b.path) || methods.indexOf(a.method) - methods.indexOf(b.method));
}

function show() {
  const toc = document.getElementById("toc");
  const content = document.getElementById("operations");
  for (const tag of new Set(operations.map((op) => op.tag))) {
    const group = operations.filter((op) => op.tag === tag);
    const id = `tag-${tag.toLowerCase().replace(/[^a-z0-9]+/g, "-")}`;
    const section = el("section", { id, "aria-label": tag }, el("h2", {}, tag), ...group.map((op) => (op.card = card(op))));
    const links = group.map((op) => (op.link = el("li", {}, el("a", { href: `#${op.operationId}`, title: op.summary }, methodMark(op.method), el("span", {}, op.path.replace(/^\/api/, ""))))));
    toc.append(el("div", { "data-group": tag }, el("h2", {}, tag), el("ul", {}, ...links)));
    content.append(section);
  }
  content.removeAttribute("aria-busy");
}

// filter shows the operations that hold every word.
function filter(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const op of operations) {
    const hit = words.every((word) => op.words.includes(word));
    op.card.hidden = op.link.hidden = !hit;
    if (hit) shown++;
  }
  for (const box of document.querySelectorAll("#operations > section")) box.hidden = !box.querySelector(".op:not([hidden])");
  for (const box of document.querySelectorAll("#toc > div")) box.hidden = !box.querySelector("li:not([hidden])");
  for (const id of ["start", "events", "problems"]) document.getElementById(id).hidden = words.length > 0;
  document.getElementById("none").hidden = shown > 0;
  document.getElementById("count").textContent = words.length ? `${shown} of ${operations.length} operations` : `${operations.length} operations`;
}

function follow() {
  const id = decodeURIComponent(location.hash.slice(1));
  for (const link of document.querySelectorAll(".side a")) {
    if (id && link.getAttribute("href") === `#${id}`) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  const target = id && document.getElementById(id);
  if (target && !target.closest("[hidden]")) target.scrollIntoView();
}

function listen() {
  const find = document.getElementById("find");
  find.addEventListener("input", () => filter(find.value));
  find.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      find.value = "";
      filter("");
    }
    const first = operations.find((op) => !op.card.hidden);
    if (event.key === "Enter" && first) location.hash = first.operationId;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && document.activeElement !== find) {
      event.preventDefault();
      find.focus();
    }
  });
  window.addEventListener("hashchange", follow);
}

async function begin() {
  const response = await fetch("/api/openapi.json", { credentials: "same-origin" });
  if (!response.ok) throw new Error(`the document answers ${response.status}`);
  doc = await response.json();
  document.getElementById("version").textContent = doc.info?.version ?? "";
  document.getElementById("intro").append(...prose(doc.info?.description));
  operations = read();
  show();
  filter("");
  listen();
  follow();
}

begin().catch((error) => {
  document.getElementById("operations").replaceChildren(
    el("p", { class: "note", role: "alert" }, `The API document could not be loaded: ${error.message}. Reload the page to try again.`));
});
