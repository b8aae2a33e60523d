// The words of /approvals.

export const T = {
  waiting: "Waiting for an answer",
  decided: "Decided",
  none: "Nothing waits",
  noneText: "When an agent wants to use a tool that needs a yes, it is asked here, in the chat and in its channel.",
  noneDecided: "Nothing was decided yet",
  from: "Asked in",
  requester: "for",
  time: "Asked",
  tool: "Tool",
  command: "Command",
  outcome: "Outcome",
  by: "By",
  status: { pending: "waiting", allowed: "allowed", denied: "denied", expired: "expired" },
  saved: { "allow-once": "Allowed once.", "allow-session": "Allowed for the session.", deny: "Denied." },
};
