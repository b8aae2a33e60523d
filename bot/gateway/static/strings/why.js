// The words of a message's story.

export const T = {
  why: "Why",
  title: "How this came about",
  several: "Several messages have this id. Open one of them by its run.",
  admission: "Let in",
  allowed: "yes",
  refused: "no",
  agent: "Agent",
  matched: "Chosen by",
  session: "Session",
  run: "Run",
  began: "Began",
  ended: "Ended",
  error: "Error",
  steps: "Steps",
  parts: "Sent",
  kinds: { inbox: "Message", run: "Run", model: "Model", tool: "Tool" },
  after: (ms) => `+${ms.toLocaleString()} ms`,
  ms: (value) => `${value.toLocaleString()} ms`,
  attempts: (count) => (count === 1 ? "1 attempt" : `${count} attempts`),
};
