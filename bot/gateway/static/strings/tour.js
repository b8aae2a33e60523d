// The words of the demo tour.

export const T = {
  name: "Demo tour",
  step: (number, all, name) => `Demo tour, step ${number} of ${all}: ${name}`,
  over: "Demo tour: every step is done",
  overText: "This is how it looks with a real model too. Leaving removes the tour's session and its tasks.",
  done: "done",
  open: "not done",
  stepDone: (name) => `${name}: done.`,
  leave: "Leave the tour",
  leaveText: (session, tasks) =>
    tasks.length
      ? `Removed are the session ${session} and its tasks: ${tasks.join(", ")}. Nothing else changes.`
      : `Removed is the session ${session}. Nothing else changes.`,
  steps: {
    stream: ["Streaming", "An answer grows while it is written, and can be stopped. The demo model needs no key and no network.", "Show an answer"],
    tool: ["A tool", "The agent looks at its own session with a tool. The card says what it did and how long it took.", "Show a tool"],
    approval: [
      "An approval",
      "The agent wants to make a task whose results leave for another place, so a person is asked first. Allow it or deny it; either counts.",
      "Ask for one",
    ],
    schedule: ["Schedule this", "A phrase is read back in plain words with its next runs before a task is made of it.", "Open Schedule this"],
  },
  when: "every weekday at 8am",
  prompt: "Say good morning.",
};
