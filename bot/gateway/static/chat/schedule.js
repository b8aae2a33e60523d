// "Schedule this": says in plain words what a phrase means before a task is made of it.
import { useEffect, useRef, useState } from "../vendor/preact-hooks.js";
import { html } from "../ui/html.js";
import { Dialog } from "../ui/dialog.js";
import { Area, Check, Field } from "../ui/form.js";
import { cost, inZone, number } from "../ui/format.js";
import { channelOf, visible } from "../ui/names.js";
import { rpc, sentence } from "../ui/rpc.js";
import { uuid, write } from "./sending.js";
import * as state from "./state.js";
import { T } from "../strings/chat.js";

const PAUSE = 250;
const LOOKED_AT = 5; // tasks of the session whose past runs are counted
const RUNS = 20;

export function Schedule({ phrase = "", what = "" }) {
  const key = state.sessionKey.value;
  const session = state.session.value;
  const channel = channelOf(session?.origin ?? null) ?? channelOf(session?.lastRoute ?? null);
  const [when, setWhen] = useState(phrase);
  const [prompt, setPrompt] = useState(what || state.draft.value.trim() || lastQuestion());
  const [back, setBack] = useState(false);
  const [refused, setRefused] = useState("");
  const once = useRef(uuid());
  const delivery = channel ? { mode: back ? "announce" : "none" } : { mode: "none" };
  const asked = { sessionKey: key, text: when.trim(), prompt: prompt.trim() || T.somePrompt, delivery };
  const [read, error] = usePreview(asked);
  usePhrase(setWhen, setPrompt);
  const spent = useSpent(key);
  const close = () => (state.dialog.value = null);
  const submit = async () => {
    if (!when.trim()) return setRefused(T.needsWhen);
    if (!prompt.trim()) return setRefused(T.needsPrompt);
    try {
      const task = await rpc("tasks.add", { ...asked, idempotencyKey: once.current });
      if (key === state.sessionKey.value) state.made.value = task;
      if (state.draft.value.trim() === prompt.trim()) write("");
      close();
    } catch (failure) {
      setRefused(sentence(failure));
    }
    return undefined;
  };
  return html`
    <${Dialog} title=${T.schedule} action=${T.create} onClose=${close} onSubmit=${submit}>
      <${Field} name=${T.when} value=${when} change=${setWhen} hint=${T.whenHint} error=${error} maxlength="400" autofocus />
      <${Area} name=${T.prompt} value=${prompt} change=${setPrompt} maxlength="4000" />
      ${channel && html`<${Check} name=${T.sendBack(visible(channel))} value=${back} change=${setBack} />`}
      <${Meaning} task=${read} session=${session} spent=${spent} />
      ${refused && html`<p class="error" role="alert">${refused}</p>`}
    <//>
  `;
}

const lastQuestion = () => state.shown.value.findLast((one) => one.kind === "user" && !one.text.startsWith("/"))?.text ?? "";

/** What the gateway would make of it, a moment after the typing stops: `[task, error]`. */
function usePreview(asked) {
  const [said, setSaid] = useState([null, ""]);
  const wanted = JSON.stringify(asked);
  useEffect(() => {
    if (!asked.text) return void setSaid([null, ""]);
    let current = true;
    const timer = setTimeout(async () => {
      const answer = await rpc("tasks.preview", asked).then((task) => [task, ""], (error) => [null, sentence(error)]);
      if (current) setSaid(answer);
    }, PAUSE);
    return () => ((current = false), clearTimeout(timer));
  }, [wanted]);
  return said;
}

/** A draft such as "every day at 8am: sum up" is a time and a prompt already. */
function usePhrase(setWhen, setPrompt) {
  useEffect(() => {
    const text = state.draft.value.trim();
    if (!text) return;
    rpc("tasks.preview", { sessionKey: state.sessionKey.value, text }).then(
      ({ prompt }) => {
        if (!text.endsWith(prompt) || text === prompt) return;
        setWhen(text.slice(0, -prompt.length).replace(/[\s:,]+$/, ""));
        setPrompt(prompt);
      },
      () => {}, // the draft is a prompt and nothing else
    );
  }, []);
}

/** What a past run of this session's tasks took: `{cost, tokens, runs}`, or null. */
function useSpent(sessionKey) {
  const [spent, setSpent] = useState(null);
  useEffect(() => {
    read().then(setSpent, () => {});
    async function read() {
      const { tasks } = await rpc("tasks.list", { sessionKey, all: true });
      const lists = await Promise.all(tasks.slice(0, LOOKED_AT).map(({ id }) => rpc("tasks.runs", { id, limit: RUNS })));
      const used = lists.flatMap(({ runs }) => runs).map((run) => run.usage).filter(Boolean);
      if (!used.length) return null;
      const mean = (of) => used.reduce((sum, one) => sum + of(one), 0) / used.length;
      const tokens = mean((one) => one.inputTokens + one.outputTokens);
      return { cost: mean((one) => one.cost ?? 0), tokens: Math.round(tokens), runs: used.length };
    }
  }, [sessionKey]);
  return spent;
}

/** The task in plain words: when, the next runs, whose, what runs, where to, for how much. */
function Meaning({ task, session, spent }) {
  const agent = visible(state.agent.value?.name ?? state.agentOf(state.sessionKey.value));
  return html`
    <div class="meaning" aria-live="polite">
      ${task &&
      html`
        <p class="said">${task.said}</p>
        <p>${T.nextRuns}</p>
        <ol>${task.upcoming.map((at) => html`<li><time dateTime=${at}>${inZone(at, task.timezone)}</time></li>`)}</ol>
        <p>${T.plan(task.plan)}</p>
      `}
      <p>${T.owner(agent, session?.label ?? T.main)}</p>
      ${spent && html`<p>${T.spent(spent.runs, number(spent.tokens), cost(spent.cost))}</p>`}
      ${task && task.delivery.mode === "none" && html`<p>${T.staysHere}</p>`}
    </div>
  `;
}
