import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { GitFork, Trash2 } from "lucide-react";
import type { ReactNode } from "react";
import { api, body } from "@/api/client";
import { key } from "@/api/query";
import { useProblemText } from "@/components/ui/error-panel";
import { Menu, MenuItem } from "@/components/ui/menu";
import { useToast } from "@/components/ui/toast";
import { useWords } from "@/lib/words";
import type { Message } from "./queries";
import { keepChat, removeChat } from "./removals";
import { shelfWords } from "./shelf-words";

/** What is done more rarely with a message. It comes with the first press of its button. */
export default function MessageMenu({ trigger, message }: { trigger: ReactNode; message: Message }) {
  const words = useWords(shelfWords);
  const problemText = useProblemText();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const toast = useToast();
  const path = { path: { id: message.id } };
  const fork = useMutation({
    mutationFn: () => body(api.POST("/api/messages/{id}/fork", { params: path })),
    onSuccess: (chat) => {
      void queries.invalidateQueries({ queryKey: key("/api/conversations") });
      toast(words.forked);
      void navigate({ to: "/c/$conversation", params: { conversation: chat.id } });
    },
  });
  const cut = () => {
    removeChat(
      message.id,
      async () => {
        await api.DELETE("/api/messages/{id}", { params: path });
        await queries.invalidateQueries({ queryKey: key("/api/conversations/{id}", message.conversation) });
      },
      `/api/messages/${encodeURIComponent(message.id)}`,
    );
    toast(words.cutDone, () => keepChat(message.id));
  };
  return (
    <>
      <Menu defaultOpen align="start" trigger={trigger}>
        {message.role === "assistant" && <MenuItem icon={GitFork} onSelect={() => fork.mutate()}>{words.fork}</MenuItem>}
        <MenuItem icon={Trash2} danger onSelect={cut}>{words.cut}</MenuItem>
      </Menu>
      {fork.error ? <p role="alert" className="text-xs text-danger">{words.forkFailed} {problemText(fork.error).cause}</p> : null}
    </>
  );
}
