// The files of an agent's folder: list, read, change. What somebody else changed is not overwritten.
import { useState } from "../vendor/preact-hooks.js";
import { html } from "../ui/html.js";
import { go, param } from "../ui/address.js";
import { confirm, Dialog } from "../ui/dialog.js";
import { Area, Field } from "../ui/form.js";
import { size } from "../ui/format.js";
import { useLive } from "../ui/live.js";
import { visible } from "../ui/names.js";
import { Time } from "../ui/parts.js";
import { rpc, sentence } from "../ui/rpc.js";
import { Table } from "../ui/table.js";
import { announce } from "../ui/toast.js";
import { T as common } from "../strings/common.js";
import { T } from "../strings/agents_more.js";
import { Act, Inside, Opens, Part, pending, place } from "./parts.js";

const TOP = ".";

export function Files({ agent }) {
  const file = param("file");
  if (file) return html`<${Editor} key=${file} agent=${agent} path=${file} />`;
  const path = param("path", TOP);
  return html`<${Folder} key=${path} agent=${agent} path=${path} />`;
}

const above = (path) => path.split("/").slice(0, -1).join("/") || TOP;
const within = (path, name) => (path === TOP ? name : `${path}/${name}`);
const folder = (agent, path) => place(agent.id, "files", path === TOP ? null : { path });

function Folder({ agent, path }) {
  const live = useLive(() => rpc("agents.files.list", { agentId: agent.id, path }), { keys: [agent.id, path] });
  const name = path === TOP ? T.workspace : visible(path);
  const columns = [
    { key: "name", name: T.name, sort: (row) => row.name, cell: (row) => html`<${Entry} agent=${agent} path=${path} row=${row} />` },
    { key: "size", name: T.size, end: true, sort: (row) => row.size, cell: (row) => (row.size === null ? "" : size(row.size)) },
    { key: "changed", name: T.changed, sort: (row) => row.changedAt, cell: (row) => html`<${Time} at=${row.changedAt} />` },
  ];
  const add = html`<${Opens} name=${T.newFile}>${(close) => html`<${NewFile} agent=${agent} path=${path} close=${close} />`}<//>`;
  return html`
    ${path !== TOP && html`<p><${Inside} to=${folder(agent, above(path))}>${T.up}<//></p>`}
    <${Part} name=${name} hint=${path === TOP ? T.workspaceHint : ""} actions=${add}>
      <${Table} name=${T.files} columns=${columns} rows=${live.data?.files ?? []} id=${(row) => row.name} live=${live} by="files"
        empty=${{ title: T.noFiles, text: T.noFilesText }} />
    <//>
  `;
}

function Entry({ agent, path, row }) {
  const to = within(path, row.name);
  if (row.folder) return html`<${Inside} to=${folder(agent, to)}>${visible(row.name)}/<//>`;
  if (row.size === null) return html`${visible(row.name)} <span class="soft">${T.link}</span>`;
  return html`<${Inside} to=${place(agent.id, "files", { file: to })}>${visible(row.name)}<//>`;
}

function NewFile({ agent, path, close }) {
  const [name, setName] = useState("");
  const [error, setError] = useState("");
  const submit = async () => {
    const file = within(path, name.trim());
    try {
      await rpc("agents.files.set", { agentId: agent.id, path: file, text: "" });
      close();
      go(place(agent.id, "files", { file }));
    } catch (failed) {
      setError(failed.code === "CONFLICT" ? T.exists : sentence(failed));
    }
  };
  return html`
    <${Dialog} title=${T.newFile} action=${T.create} onClose=${close} onSubmit=${submit}>
      <${Field} name=${T.name} value=${name} change=${setName} error=${error} hint=${T.newFileHint} required autofocus />
    <//>
  `;
}

function Editor({ agent, path }) {
  const live = useLive(() => rpc("agents.files.get", { agentId: agent.id, path }), { keys: [agent.id, path] });
  const link = html`<p><${Inside} to=${folder(agent, above(path))}>${T.back}<//></p>`;
  const waiting = pending(live);
  if (waiting) return html`${link}${waiting}`;
  return html`${link}<${Text} key=${live.data.base} agent=${agent} path=${path} file=${live.data} reload=${live.reload} />`;
}

/** The text as it is being changed; `file` is as it was read, and only that one is replaced. */
function Text({ agent, path, file, reload }) {
  const [first] = useState(file);
  const [base, setBase] = useState(file.base);
  const [saved, setSaved] = useState(file.text);
  const [text, setText] = useState(file.text);
  const [problem, setProblem] = useState("");
  const dirty = text !== saved;
  const write = async (value, on) => {
    setProblem("");
    try {
      const answer = await rpc("agents.files.set", { agentId: agent.id, path, text: value, base: on });
      return answer.base ?? "";
    } catch (failed) {
      if (failed.code !== "CONFLICT") throw failed;
      setProblem(T.conflict);
      return null;
    }
  };
  const save = async () => {
    const next = await write(text, base);
    if (next === null) return;
    setBase(next);
    setSaved(text);
    announce(T.saved);
  };
  const again = async () => {
    if (dirty && !(await confirm({ title: T.dropTitle, text: T.dropText, action: T.readAgain, danger: true }))) return;
    const now = await rpc("agents.files.get", { agentId: agent.id, path });
    setBase(now.base);
    setSaved(now.text);
    setText(now.text);
    setProblem("");
  };
  const remove = async () => {
    const asked = { title: T.removeTitle(visible(path)), text: T.removeText, action: T.remove, danger: true };
    if (!(await confirm(asked))) return;
    if ((await write(null, base)) === null) return;
    announce(T.removed);
    go(folder(agent, above(path)));
  };
  return html`
    <${Part} name=${visible(first.path)} actions=${html`<${Act} name=${T.remove} look="button bad" run=${remove} />`}>
      <div class="editor"><${Area} name=${T.text} value=${text} change=${setText} spellcheck="false" hint=${dirty ? T.dirty : ""} /></div>
      ${problem && html`<p class="verdict bad" role="alert">${problem}</p>`}
      <div class="actions">
        <${Act} name=${common.save} look="primary" run=${save} />
        <${Act} name=${T.readAgain} run=${again} />
      </div>
    <//>
  `;
}
