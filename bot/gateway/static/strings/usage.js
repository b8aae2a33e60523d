// The words of /usage.

export const T = {
  by: { day: "By day", agent: "By agent", model: "By model" },
  runs: "Runs",
  day: "Day (UTC)",
  agent: "Agent",
  model: "Model",
  input: "Tokens in",
  output: "Tokens out",
  cost: "Cost",
  empty: "Nothing was used yet",
  emptyText: "Tokens and cost are counted from the first answer on.",
  toChat: "Open the chat",
};
