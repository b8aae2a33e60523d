// The text of the file: checked as it is typed, with each mistake beside its line.
import { useEffect, useRef, useState } from "../vendor/preact-hooks.js";
import { html } from "../ui/html.js";
import { param } from "../ui/address.js";
import { copy } from "../ui/copy.js";
import { confirm } from "../ui/dialog.js";
import { useLive } from "../ui/live.js";
import { Facts, Tag } from "../ui/parts.js";
import { rpc, sentence } from "../ui/rpc.js";
import { Failed } from "../ui/table.js";
import { announce } from "../ui/toast.js";
import { T as common } from "../strings/common.js";
import { T } from "../strings/settings.js";
import { Conflict } from "./conflict.js";
import { Lines } from "./lines.js";

const PAUSE = 400;

/** What was read stays under the hands of whoever types; a reconnect changes nothing of it. */
export function Editor() {
  const live = useLive(() => rpc("config.text.get"));
  const [read, setRead] = useState(null);
  useEffect(() => void (live.data && setRead((old) => old ?? live.data)), [live.data]);
  if (live.error && !read) return html`<${Failed} error=${live.error} again=${live.reload} />`;
  if (!read) return html`<p class="soft state loading">${common.loading}</p>`;
  const again = async () => setRead(await rpc("config.text.get"));
  return html`<${Text} key=${read.base} read=${read} again=${again} />`;
}

function Text({ read, again }) {
  const [text, setText] = useState(read.text);
  const [check, setCheck] = useState(read);
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState("");
  const [conflict, setConflict] = useState(null);
  const box = useRef(null);
  const changed = text !== read.text;
  useChecked(text, read.text, setCheck, setBusy);
  useLeaving(changed);
  useEffect(() => void (param("at") && jump(box.current, lineOf(read.text, param("at")), 1)), []);
  const save = async (event) => {
    event.preventDefault();
    setRefused("");
    try {
      await rpc("config.text.set", { text, base: read.base });
      announce(T.saved);
      await again();
    } catch (error) {
      if (error.code === "CONFLICT") setConflict(await rpc("config.text.get"));
      else setRefused(sentence(error));
      if (error.details?.problems) setCheck({ ok: false, problems: error.details.problems, warnings: [] });
    }
  };
  const drop = async () => {
    const asked = { title: T.dropTitle, text: T.dropText, action: T.takeFile, danger: true };
    if (await confirm(asked)) await again();
  };
  const mine = async () => announce((await copy(text).catch(() => false)) ? common.copied : common.notCopied);
  return html`
    <${About} read=${read} check=${check} busy=${busy} />
    ${conflict && html`<${Conflict} mine=${text} file=${conflict.text} take=${drop} copy=${mine} />`}
    ${refused && html`<p class="error" role="alert">${refused}</p>`}
    <form class="editor" onSubmit=${save}>
      <${Lines} box=${box} text=${text} change=${setText} problems=${check.problems} />
      <${Mistakes} check=${check} jump=${(line, column) => jump(box.current, line, column)} />
      <div class="buttons">
        <button type="button" class="quiet" disabled=${!changed} onClick=${() => setText(read.text)}>${T.undo}</button>
        <button class="primary" disabled=${!changed || !check.ok || conflict !== null}>${T.save}</button>
      </div>
    </form>
  `;
}

/** Ask the gateway a moment after the last key what is wrong with the text. */
function useChecked(text, before, setCheck, setBusy) {
  const turn = useRef(0);
  useEffect(() => {
    if (text === before && !turn.current) return undefined;
    const mine = ++turn.current;
    setBusy(true);
    const timer = setTimeout(async () => {
      const answer = await rpc("config.text.check", { text }).catch(() => null);
      if (mine !== turn.current) return;
      if (answer) setCheck(answer);
      setBusy(false);
    }, PAUSE);
    return () => clearTimeout(timer);
  }, [text]);
}

function useLeaving(changed) {
  useEffect(() => {
    if (!changed) return undefined;
    const ask = (event) => event.preventDefault();
    addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, [changed]);
}

function About({ read, check, busy }) {
  const state = busy ? html`<${Tag}>${T.checking}<//>` : html`<${Tag} look=${check.ok ? "good" : "bad"}>${check.ok ? T.good : T.problems}<//>`;
  return html`
    <${Facts} rows=${[[T.file, read.file], [T.state, state]]} />
    ${read.kept.length > 0 && html`<p class="hint">${T.kept(read.kept.length)}</p>`}
  `;
}

function Mistakes({ check, jump: go }) {
  const rows = [...check.problems, ...check.warnings];
  return html`
    <div role="status">
      <p class="soft">${check.problems.length ? T.mistakes(check.problems.length) : T.noMistakes}</p>
    </div>
    ${rows.length > 0 &&
    html`<ul class="mistakes">
      ${rows.map(
        (one) => html`
          <li key=${`${one.line}:${one.column}:${one.key}:${one.what}`}>
            <button type="button" class="quiet" disabled=${!one.line} onClick=${() => go(one.line, one.column)}>
              ${one.line ? T.atLine(one.line, one.column) : T.noPlace}</button>
            <span>${one.key && html`<code>${one.key}</code>: `}${one.what}; ${one.fix}</span>
          </li>
        `,
      )}
    </ul>`}
  `;
}

/** Put the cursor there, and the line into sight. */
function jump(box, line, column) {
  const lines = box.value.split("\n");
  const at = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0) + Math.max(0, column - 1);
  box.focus();
  box.setSelectionRange(at, at);
  const height = box.scrollHeight / lines.length;
  box.scrollTop = Math.max(0, (line - 4) * height);
}

/** The line of a dotted key's first part, as far as it stands at the beginning of one. */
function lineOf(text, key) {
  const lines = text.split("\n");
  const found = lines.findIndex((one) => one.startsWith(`${key.split(".")[0]}:`));
  return found + 1 || 1;
}
