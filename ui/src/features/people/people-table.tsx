import { useQuery } from "@tanstack/react-query";
import { Ban, Check, Ellipsis, KeyRound, Smartphone, UserCheck, UserCog } from "lucide-react";
import type { ReactNode } from "react";
import { useSession } from "@/api/query";
import type { Schema } from "@/api/types";
import { Avatar } from "@/components/ui/avatar";
import { IconButton } from "@/components/ui/icon-button";
import { Menu, MenuItem, MenuLine } from "@/components/ui/menu";
import { Pill, Tag } from "@/components/ui/pill";
import { Cell, Head, Row, Table } from "@/components/ui/table";
import { useFormat } from "@/lib/format";
import { useWords } from "@/lib/words";
import { factorsOfQuery } from "./queries";
import { peopleWords } from "./words";

export type PersonAct = "roles" | "password" | "second" | "disable" | "enable";

interface PeopleTableProps {
  people: readonly Schema<"Person">[];
  onAct: (act: PersonAct, person: Schema<"Person">) => void;
  foot?: ReactNode;
}

export function PeopleTable({ people, onAct, foot }: PeopleTableProps) {
  const words = useWords(peopleWords);
  const factors = useQuery(factorsOfQuery(people.slice(0, 200).map((person) => person.id))).data?.items;
  return (
    <Table
      label={words.title}
      foot={foot}
      head={
        <>
          <Head>{words.name}</Head>
          <Head className="max-frame:hidden">{words.email}</Head>
          <Head className="max-frame:hidden">{words.role}</Head>
          <Head className="max-frame:hidden">{words.state}</Head>
          <Head className="max-wide:hidden">{words.source}</Head>
          <Head className="max-wide:hidden">{words.second}</Head>
          <Head figures className="max-frame:hidden">{words.lastActive}</Head>
          <Head hidden>{words.actions}</Head>
        </>
      }
    >
      {people.map((person) => <PersonRow key={person.id} person={person} methods={factors?.find((f) => f.person === person.id)?.methods} onAct={onAct} />)}
    </Table>
  );
}

function PersonRow({ person, methods, onAct }: { person: Schema<"Person">; methods: string[] | undefined; onAct: PeopleTableProps["onAct"] }) {
  const words = useWords(peopleWords);
  const format = useFormat();
  const { person: me } = useSession();
  const mine = person.id === me.id;
  const role = person.role ? words.roles[person.role] : person.workspaceRole ? words.workspaceRoles[person.workspaceRole] : words.roles[""];
  return (
    <Row>
      <Cell>
        <span className="flex min-w-0 items-center gap-2">
          <Avatar quiet name={person.name} />
          <span className="w-0 min-w-0 flex-1 frame:w-auto frame:max-w-56">
            <span className="block truncate" title={person.name}>
              {person.name}
              {mine && <span className="text-faint"> · {words.you}</span>}
            </span>
            <span className="block truncate text-xs text-muted frame:hidden">{role}, {person.email}</span>
          </span>
          {person.disabled && <span className="flex-none frame:hidden"><Pill icon={Ban}>{words.disabled}</Pill></span>}
        </span>
      </Cell>
      <Cell className="text-muted max-frame:hidden">
        <span className="block max-w-64 truncate" title={person.email}>{person.email}</span>
      </Cell>
      <Cell className="max-frame:hidden">
        {person.role ? <Tag>{role}</Tag> : <span className="text-muted">{role}</span>}
      </Cell>
      <Cell className="max-frame:hidden">
        {person.disabled ? <Pill icon={Ban}>{words.disabled}</Pill> : <Pill kind="ok" icon={Check}>{words.active}</Pill>}
      </Cell>
      <Cell className="max-wide:hidden text-muted">{!person.source || person.source === "local" ? words.local : person.source}</Cell>
      <Cell className="max-wide:hidden text-muted">{methods ? methods.filter((m) => m !== "recovery").map((m) => words.methods[m] ?? m).join(", ") : words.noSecond}</Cell>
      <Cell figures className="whitespace-nowrap text-muted max-frame:hidden">
        {person.lastActive ? <time dateTime={person.lastActive} title={format.time(person.lastActive)}>{format.age(person.lastActive)}</time> : words.never}
      </Cell>
      <Cell className="w-px text-end">
        <Menu trigger={<IconButton small icon={Ellipsis} label={words.menuOf(person.name)} />}>
          <MenuItem icon={UserCog} onSelect={() => onAct("roles", person)}>{words.changeRoles}</MenuItem>
          {person.source === "local" && <MenuItem icon={KeyRound} onSelect={() => onAct("password", person)}>{words.resetPassword}</MenuItem>}
          {methods && <MenuItem icon={Smartphone} onSelect={() => onAct("second", person)}>{words.resetSecond}</MenuItem>}
          {!mine && (
            <>
              <MenuLine />
              {person.disabled ? (
                <MenuItem icon={UserCheck} onSelect={() => onAct("enable", person)}>{words.enable}</MenuItem>
              ) : (
                <MenuItem danger icon={Ban} onSelect={() => onAct("disable", person)}>{words.disable}</MenuItem>
              )}
            </>
          )}
        </Menu>
      </Cell>
    </Row>
  );
}
