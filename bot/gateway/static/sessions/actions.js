// What can be done with a session: talk in it, rename, sum up, begin anew, take along, delete.
import { useState } from "../vendor/preact-hooks.js";
import { html } from "../ui/html.js";
import { go } from "../ui/address.js";
import { confirm, Dialog } from "../ui/dialog.js";
import { Field } from "../ui/form.js";
import { rpc, sentence } from "../ui/rpc.js";
import { announce, told } from "../ui/toast.js";
import { T as common } from "../strings/common.js";
import { T } from "../strings/sessions.js";
import { asMarkdown, download } from "./export.js";

/** `gone` is called after the session was deleted. */
export function Actions({ row, gone = () => go("/sessions") }) {
  const [renaming, setRenaming] = useState(false);
  const [busy, setBusy] = useState(false);
  const { sessionKey } = row;
  const compact = async () => {
    setBusy(true);
    announce(T.compacting);
    await compacted(sessionKey);
    setBusy(false);
  };
  return html`
    <div class="actions">
      <a class="button" href=${`/chat#${sessionKey}`}>${T.openChat}</a>
      <button type="button" class="button" onClick=${() => setRenaming(true)}>${T.rename}</button>
      <button type="button" class="button" disabled=${busy} onClick=${compact}>${T.compact}</button>
      <button type="button" class="button" onClick=${() => reset(row)}>${T.reset}</button>
      <button type="button" class="button" onClick=${() => taken(row, "json")}>${T.exportJson}</button>
      <button type="button" class="button" onClick=${() => taken(row, "md")}>${T.exportMarkdown}</button>
      <button type="button" class="button bad" onClick=${() => remove(row, gone)}>${T.delete}</button>
    </div>
    ${renaming && html`<${Rename} row=${row} close=${() => setRenaming(false)} />`}
  `;
}

function Rename({ row, close }) {
  const [label, setLabel] = useState(row.label);
  const [error, setError] = useState("");
  const submit = async () => {
    try {
      await rpc("sessions.patch", { sessionKey: row.sessionKey, exact: true, label: label.trim() });
      announce(T.renamed);
      close();
    } catch (failed) {
      setError(sentence(failed));
    }
  };
  return html`
    <${Dialog} title=${T.rename} action=${common.save} onClose=${close} onSubmit=${submit}>
      <${Field} name=${T.name} value=${label} change=${setLabel} error=${error} maxlength="64" required autofocus />
    <//>
  `;
}

function compacted(sessionKey) {
  return told(async () => {
    const answer = await rpc("sessions.compact", { sessionKey, exact: true });
    announce(answer.compacted ? T.compacted : T.notCompacted(answer.reason?.message ?? answer.reason ?? ""));
  });
}

async function reset({ sessionKey, displayName }) {
  const asked = { title: T.resetTitle(displayName), text: T.resetText, action: T.reset, danger: true };
  if (await confirm(asked)) await told(() => rpc("sessions.reset", { sessionKey, exact: true }), T.resetDone);
}

async function remove({ sessionKey, displayName }, gone) {
  const asked = { title: T.deleteTitle(displayName), text: T.deleteText, action: T.delete, danger: true };
  if (!(await confirm(asked))) return;
  if (await told(() => rpc("sessions.delete", { sessionKey }), T.deleted)) gone();
}

function taken({ sessionKey }, format) {
  return told(async () => {
    const whole = await rpc("sessions.export", { sessionKey, exact: true });
    const text = format === "json" ? `${JSON.stringify(whole, null, 2)}\n` : asMarkdown(whole);
    download(text, whole.session.label, format);
  }, T.exported);
}
