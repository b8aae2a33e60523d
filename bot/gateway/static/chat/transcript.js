// One conversation as data. Pure: what happened goes in, a new conversation comes out, and `items`
// says what is shown. Everything is keyed by run, so that nothing can be shown twice.
//
// rows     what the server has stored or queued, oldest first
// runs     what is known of runs from events: newer than the rows, or not part of them
// sent     what was typed here and is not among the rows yet

export const empty = () => ({ sessionId: null, loaded: false, hasMore: false, rows: [], runs: new Map(), sent: [] });

const ENDS = { final: "done", aborted: "aborted", error: "error" };

/** The newest page of the history, as `chat.history` answers. */
export function withHistory(talk, page) {
  const same = talk.sessionId === null || talk.sessionId === page.sessionId;
  const base = same ? talk : afterReset(talk);
  const kept = same ? earlierThan(base.rows, page.messages) : [];
  const runs = new Map(base.runs);
  for (const run of base.runs.values()) {
    if (run.doubtful && run.runId !== page.activeRun?.runId) runs.delete(run.runId);
  }
  if (page.activeRun) mergeActive(runs, page.activeRun, lastRun(base));
  const rows = [...kept, ...page.messages];
  const known = new Set(rows.map((row) => row.runId));
  return {
    ...base,
    runs,
    rows,
    sessionId: page.sessionId,
    loaded: true,
    hasMore: kept.length ? base.hasMore : page.hasMore,
    sent: base.sent.filter((message) => !known.has(message.runId)),
  };
}

/** An older page, in front of what is there. */
export function withEarlier(talk, page) {
  return { ...talk, rows: [...page.messages, ...talk.rows], hasMore: page.hasMore };
}

/** Events may have been missed: a run that the next history does not call active has ended. */
export function doubted(talk) {
  return changeRuns(talk, (run) => (run.state === "running" ? { ...run, doubtful: true } : run));
}

/** A message typed here; `state` is sending, queued, started or failed. */
export function withSent(talk, message) {
  if (talk.sent.some((one) => one.runId === message.runId)) return talk;
  return { ...talk, sent: [...talk.sent, { state: "sending", ...message, after: lastRun(talk) }] };
}

export function withSentState(talk, runId, change) {
  return { ...talk, sent: talk.sent.map((one) => (one.runId === runId ? { ...one, ...change } : one)) };
}

/** A `chat` event: the text so far, or the end. */
export function withChat(talk, { runId, seq, state, message, error }) {
  const run = talk.runs.get(runId) ?? newRun(runId, lastRun(talk));
  if (run.state !== "running") return talk;
  if (state === "delta") {
    if (seq < run.seq) return talk;
    return setRun(talk, { ...run, seq, text: message.text, doubtful: false });
  }
  const told = message ?? {};
  return setRun(talk, {
    ...run,
    seq,
    state: ENDS[state],
    text: told.text ?? "",
    at: told.at ?? run.at,
    model: told.model ?? run.model,
    attachments: told.attachments ?? run.attachments,
    usage: told.usage ?? run.usage,
    error,
    doubtful: false,
  });
}

/** An `agent` event: start and end, thoughts, tools. The text comes with the `chat` events. */
export function withAgent(talk, { runId, seq, stream, ts, data }) {
  const known = talk.runs.get(runId);
  const run = known ?? newRun(runId, lastRun(talk));
  if (stream === "lifecycle" && data.phase === "start") {
    return known ? talk : setRun(talk, { ...run, seq, startedAt: data.startedAt ?? ts });
  }
  if (!known) return talk;
  if (stream === "lifecycle") return setRun(talk, { ...run, endedAt: data.endedAt, usage: data.usage ?? run.usage });
  if (run.state !== "running") return talk;
  if (stream === "thinking") return setRun(talk, { ...run, ...thought(run, data, ts) });
  if (stream === "tool") return setRun(talk, { ...run, tools: withTool(run.tools, data, ts) });
  return talk;
}

/** The run that is on, if any. */
export function activeRun(talk) {
  return [...talk.runs.values()].find((run) => run.state === "running") ?? null;
}

/** Is the start of this run news here, so that its question has to be fetched? */
export function isForeign(talk, runId) {
  const known = talk.rows.some((row) => row.runId === runId && row.state !== "queued");
  return !known && !talk.sent.some((one) => one.runId === runId);
}

/** What is shown, in order: `{kind: user|answer|note, key, runId, text, ...}`. */
export function items(talk) {
  const shown = [...stored(talk.rows)];
  const answered = new Map(shown.filter((one) => one.kind === "answer").map((one) => [one.runId, one]));
  for (const message of talk.sent) place(shown, questionOf(message));
  for (const run of talk.runs.values()) {
    const known = answered.get(run.runId);
    if (known) shown[shown.indexOf(known)] = overlaid(known, run);
    else place(shown, answerOf(run), run.runId);
  }
  markWithdrawn(shown, talk.runs);
  return shown.filter(saysSomething);
}

function newRun(runId, after) {
  return { runId, after, seq: 0, state: "running", text: "", thinking: "", tools: [], doubtful: false };
}

function setRun(talk, run) {
  return { ...talk, runs: new Map(talk.runs).set(run.runId, run) };
}

function changeRuns(talk, change) {
  return { ...talk, runs: new Map([...talk.runs].map(([id, run]) => [id, change(run)])) };
}

function mergeActive(runs, active, after) {
  const known = runs.get(active.runId) ?? newRun(active.runId, after);
  if (known.state !== "running") return;
  const news = active.seq >= known.seq ? { seq: active.seq, text: active.text } : {};
  runs.set(active.runId, { ...known, ...news, startedAt: active.startedAt, doubtful: false });
}

/** A reset put the rows away; what was typed last, such as /new itself, stays in sight. */
function afterReset(talk) {
  const last = talk.sent.at(-1);
  const kept = last ? talk.runs.get(last.runId) : undefined;
  return {
    ...talk,
    sent: last ? [{ ...last, after: null }] : [],
    runs: new Map(kept ? [[kept.runId, { ...kept, after: null }]] : []),
  };
}

/** The loaded rows that are older than a fresh page, so that a refresh keeps what was opened. */
function earlierThan(rows, page) {
  const first = Number(page.find((row) => row.state !== "queued")?.id);
  if (!first) return [];
  const older = rows.filter((row) => row.state !== "queued");
  const end = older.findIndex((row) => Number(row.id) >= first);
  return end < 0 ? older : older.slice(0, end);
}

/** The run that is last in sight: null before the first one, undefined while that is not known. */
function lastRun(talk) {
  return talk.loaded ? (items(talk).findLast((item) => item.runId)?.runId ?? null) : undefined;
}

const groups = new WeakMap();

/** The same rows are the same items, so that a long conversation is put together once. */
function stored(rows) {
  if (!groups.has(rows)) groups.set(rows, grouped(rows));
  return groups.get(rows);
}

const overlays = new WeakMap();

/** What events say of a run is newer than its rows; the rows know more of its tools. */
function overlaid(known, run) {
  const before = overlays.get(run);
  if (before?.known === known) return before.item;
  const item = { ...known, ...newer(known, run) };
  overlays.set(run, { known, item });
  return item;
}

/** Rows of one run become one answer: its texts, its thoughts and its tools. */
function grouped(rows) {
  const shown = [];
  const answers = new Map();
  for (const row of rows) {
    if (row.role === "user" || row.role === "note") {
      shown.push({ ...row, kind: row.role, key: `${row.role}:${row.role === "user" ? row.runId : row.id}` });
      continue;
    }
    let answer = answers.get(row.runId);
    if (!answer) {
      answer = { kind: "answer", key: `answer:${row.runId}`, runId: row.runId, text: "", thinking: "", tools: [], ids: [], attachments: [] };
      answers.set(row.runId, answer);
      shown.push(answer);
    }
    answer.ids.push(row.id);
    if (/^[0-9]+$/.test(row.id)) answer.id = row.id; // what a tool has shown has no number of its own
    if (row.role === "tool") answer.tools = withResult(answer.tools, row);
    else addRow(answer, row);
  }
  return shown;
}

function addRow(answer, row) {
  answer.text = [answer.text, row.text].filter(Boolean).join("\n\n");
  answer.thinking = [answer.thinking, row.thinking].filter(Boolean).join("\n\n");
  answer.thoughtFor = (answer.thoughtFor ?? 0) + (row.thoughtMs ?? 0) / 1000;
  answer.attachments = [...answer.attachments, ...(row.attachments ?? [])];
  answer.at = row.at;
  answer.model = row.model;
  answer.usage = row.usage;
  answer.state = row.state;
  const calls = row.toolCalls.map(({ id, name, args }) => ({ id, name, args, state: "running", startedAt: row.at }));
  answer.tools = [...answer.tools, ...calls];
}

function withResult(tools, row) {
  return tools.map((tool) =>
    tool.id === row.toolCallId ? { ...tool, result: row.text, state: row.isError ? "failed" : "done", endedAt: row.at } : tool,
  );
}

/** Thoughts so far, and for how many seconds they have come. */
function thought(run, data, ts) {
  const thoughtFrom = run.thoughtFrom ?? ts;
  return { thinking: data.text, thoughtFrom, thoughtFor: (Date.parse(ts) - Date.parse(thoughtFrom)) / 1000 };
}

function withTool(tools, { phase, toolCallId: id, name, args, result, isError }, ts) {
  const known = tools.find((tool) => tool.id === id) ?? { id, name };
  const news =
    phase === "result"
      ? { state: isError ? "failed" : "done", result: result ?? known.result, endedAt: ts }
      : { state: "running", args: args ?? known.args, startedAt: known.startedAt ?? ts };
  const changed = { ...known, ...news };
  return tools.some((tool) => tool.id === id) ? tools.map((tool) => (tool.id === id ? changed : tool)) : [...tools, changed];
}

const questions = new WeakMap();

function questionOf(message) {
  if (!questions.has(message)) questions.set(message, { kind: "user", key: `user:${message.runId}`, ...message });
  return questions.get(message);
}

const answersOf = new WeakMap();

function answerOf(run) {
  if (!answersOf.has(run)) answersOf.set(run, { ...run, kind: "answer", key: `answer:${run.runId}` });
  return answersOf.get(run);
}

function newer(stored, run) {
  return {
    state: run.state,
    text: run.text || (run.state === "running" ? "" : stored.text),
    thinking: stored.thinking || run.thinking,
    tools: run.tools.reduce(mergedTool, stored.tools),
    usage: run.usage ?? stored.usage,
    thoughtFor: run.thoughtFor ?? stored.thoughtFor,
    startedAt: run.startedAt,
    endedAt: run.endedAt,
    error: run.error,
  };
}

function mergedTool(tools, tool) {
  const stored = tools.find((one) => one.id === tool.id);
  if (!stored) return [...tools, tool];
  const state = stored.state === "running" ? tool.state : stored.state;
  return tools.map((one) => (one === stored ? { ...tool, ...stored, state } : one));
}

/** Put an item behind the last one of its own run, else of the run it came after. */
function place(shown, item, runId = null) {
  const own = runId === null ? -1 : shown.findLastIndex((one) => one.runId === runId);
  const before = shown.findLastIndex((one) => item.after && one.runId === item.after);
  const at = own >= 0 ? own : before >= 0 || item.after === null ? before : shown.length - 1;
  shown.splice(at + 1, 0, item);
}

/** A question whose run was aborted before it began will not be answered. */
function markWithdrawn(shown, runs) {
  for (const [at, item] of shown.entries()) {
    const waiting = item.kind === "user" && ["queued", "sending", "started"].includes(item.state);
    const run = waiting ? runs.get(item.runId) : null;
    if (run?.state === "aborted" && !run.startedAt) shown[at] = { ...item, state: "withdrawn" };
  }
}

function saysSomething(item) {
  if (item.kind !== "answer" || item.state === "running" || item.error) return true;
  if (item.state === "aborted" && item.startedAt) return true;
  return Boolean(item.text || item.thinking || item.tools.length || item.attachments?.length);
}
