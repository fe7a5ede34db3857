import type { AlignType, List, ListItem, Node, Nodes, Parents, Root, Table, TableCell } from "mdast";
import { Fragment, type ReactNode } from "react";

/** How the parts are drawn that need more than an element. */
export interface MarkdownParts {
  heading: (depth: number, children: ReactNode) => ReactNode;
  link: (address: string, children: ReactNode) => ReactNode;
  picture: (address: string, name: string) => ReactNode;
  code: (language: string, text: string) => ReactNode;
  table: (children: ReactNode) => ReactNode;
  cell: (children: ReactNode, text: string, align: Align) => ReactNode;
  /** Draws a node that a change of the tree has put in. */
  other: (node: Node) => ReactNode;
}

export type Align = "left" | "right" | "center" | undefined;

interface Drawing {
  parts: MarkdownParts;
  addresses: ReadonlyMap<string, string>;
  /** A link inside a link cannot be reached. */
  inLink: boolean;
}

/**
 * Draws a tree of Markdown as React elements. Raw HTML is shown as the text it is,
 * so nothing of an answer can become an element of its own.
 */
export function MarkdownTree({ tree, parts }: { tree: Root; parts: MarkdownParts }) {
  const addresses = new Map<string, string>();
  for (const node of tree.children) {
    if (node.type === "definition" && !addresses.has(node.identifier)) addresses.set(node.identifier, node.url);
  }
  return inside(tree, { parts, addresses, inLink: false });
}

function inside(node: Parents, drawing: Drawing): ReactNode {
  const flow = node.type === "root" || node.type === "blockquote";
  return node.children.map((child, i) => (
    <Fragment key={i}>{flow && child.type === "html" ? <p>{child.value}</p> : draw(child, drawing)}</Fragment>
  ));
}

function draw(node: Nodes, drawing: Drawing): ReactNode {
  const { parts, addresses } = drawing;
  switch (node.type) {
    case "text":
      return drawing.inLink ? node.value : withLinks(node.value, parts);
    case "html":
      return node.value;
    case "paragraph":
      return <p>{inside(node, drawing)}</p>;
    case "heading":
      return parts.heading(node.depth, inside(node, drawing));
    case "emphasis":
      return <em>{inside(node, drawing)}</em>;
    case "strong":
      return <strong>{inside(node, drawing)}</strong>;
    case "delete":
      return <del>{inside(node, drawing)}</del>;
    case "inlineCode":
      return <code>{node.value.replace(/\r?\n|\r/g, " ")}</code>;
    case "break":
      return <br />;
    case "thematicBreak":
      return <hr />;
    case "blockquote":
      return <blockquote>{inside(node, drawing)}</blockquote>;
    case "code":
      return parts.code(node.lang ?? "", node.value);
    case "link":
      return parts.link(node.url, inside(node, { ...drawing, inLink: true }));
    case "linkReference":
      return parts.link(addresses.get(node.identifier) ?? "", inside(node, { ...drawing, inLink: true }));
    case "image":
      return parts.picture(node.url, node.alt ?? "");
    case "imageReference":
      return parts.picture(addresses.get(node.identifier) ?? "", node.alt ?? "");
    case "list":
      return list(node, drawing);
    case "table":
      return table(node, drawing);
    case "definition":
    case "footnoteDefinition":
    case "footnoteReference":
    case "yaml":
      return null;
    default:
      return parts.other(node);
  }
}

// Up to the last character that is no punctuation of the sentence around it.
const bare = /(https?:\/\/[^\s<>"]*[^\s<>".,:;!?'*_~)\]])/giu;

/** Makes links of the addresses that stand in a text as they are. */
function withLinks(text: string, parts: MarkdownParts): ReactNode {
  const cut = text.split(bare);
  if (cut.length === 1) return text;
  // Every second part is what the pattern held.
  return cut.map((part, i) => <Fragment key={i}>{i % 2 === 1 ? parts.link(part, part) : part}</Fragment>);
}

function list(node: List, drawing: Drawing): ReactNode {
  const loose = (node.spread ?? false) || node.children.some((item) => item.spread);
  const items = node.children.map((item, i) => <li key={i}>{listItem(item, loose, drawing)}</li>);
  if (!node.ordered) return <ul>{items}</ul>;
  return <ol start={node.start !== 1 ? (node.start ?? undefined) : undefined}>{items}</ol>;
}

/** The paragraphs of a tight list are only its text. */
function listItem(item: ListItem, loose: boolean, drawing: Drawing): ReactNode {
  const box = typeof item.checked === "boolean" && (
    <>
      <input type="checkbox" checked={item.checked} readOnly disabled />{" "}
    </>
  );
  return item.children.map((child, i) => {
    const first = i === 0 && box;
    if (child.type !== "paragraph") return <Fragment key={i}>{first}{draw(child, drawing)}</Fragment>;
    const text = inside(child, drawing);
    return loose ? <p key={i}>{first}{text}</p> : <Fragment key={i}>{first}{text}</Fragment>;
  });
}

function table(node: Table, drawing: Drawing): ReactNode {
  return drawing.parts.table(
    <>
      {head(node, drawing)}
      {rows(node, drawing)}
    </>,
  );
}

function head(node: Table, drawing: Drawing): ReactNode {
  const [first] = node.children;
  return (
    first && (
      <thead>
        <tr>
          {first.children.map((cell, i) => (
            <th key={i} scope="col" style={{ textAlign: alignOf(node.align?.[i]) }}>{inside(cell, drawing)}</th>
          ))}
        </tr>
      </thead>
    )
  );
}

function rows(node: Table, drawing: Drawing): ReactNode {
  return (
    <tbody>
      {node.children.slice(1).map((row, i) => (
        <tr key={i}>
          {row.children.map((cell, column) => (
            <Fragment key={column}>{drawing.parts.cell(inside(cell, drawing), plain(cell), alignOf(node.align?.[column]))}</Fragment>
          ))}
        </tr>
      ))}
    </tbody>
  );
}

/** The head alone of a table that is drawn in pieces. */
export function TableHead({ table, parts }: { table: Table; parts: MarkdownParts }) {
  return head(table, { parts, addresses: new Map(), inLink: false });
}

/** The rows alone, without the head. */
export function TableRows({ table, parts }: { table: Table; parts: MarkdownParts }) {
  return rows(table, { parts, addresses: new Map(), inLink: false });
}

const alignOf = (align: AlignType | undefined): Align => align ?? undefined;

/** The text of a part of the tree. */
export function plain(node: Nodes | TableCell): string {
  if ("value" in node) return node.value;
  return "children" in node ? node.children.map((child) => plain(child)).join("") : "";
}
