import { Catalogue } from "@/lib/words";

export const feedbackWords = new Catalogue({
  title: "Feedback",
  lead: "How often answers were rated, and why. Comments and chats are read by nobody but their owners.",
  forbidden: "Feedback is counted for administrators.",
  forbiddenLead: "Ask an administrator.",
  failed: "The feedback did not load.",
  none: "No answer was rated in this time.",
  period: "Period",
  days: (n: number) => `Last ${n} days`,
  model: "Model",
  ownWords: "Documents’ own words",
  good: "Good",
  bad: "Bad",
  share: "Good of all",
  reasons: "Reasons",
  reason: { correct: "correct", complete: "complete", clear: "clear", "well-sourced": "well sourced", wrong: "wrong", incomplete: "incomplete", unclear: "hard to follow", "wrong-source": "wrong source", outdated: "out of date", slow: "too slow", other: "something else" } as Record<string, string>,
});
