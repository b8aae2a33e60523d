// The words of /logs.

export const T = {
  records: "Log records",
  level: "From level",
  named: "Level",
  levels: { debug: "debug", info: "info", warning: "warning", error: "error" },
  search: "Search",
  pause: "Pause",
  follow: "Go on",
  paused: (count) => (count === 1 ? "Paused; 1 new record waits." : `Paused; ${count.toLocaleString()} new records wait.`),
  copy: "Copy what is shown",
  time: "Time",
  event: "What happened",
  source: "From",
  more: "More",
  empty: "Nothing in the log",
  emptyText: "Records are kept in logs/trunkline.jsonl of the state directory. In a terminal: trunkline logs -f",
  noneMatch: "No record matches. Try another level or word.",
  clear: "Clear the filters",
  newest: (count) => `The latest ${count.toLocaleString()} records, newest first.`,
};
