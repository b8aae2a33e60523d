// The form: one fold per section, a field per key, and what each is without being set.
import { useState } from "../vendor/preact-hooks.js";
import { html } from "../ui/html.js";
import { param, setParam } from "../ui/address.js";
import { Search } from "../ui/filter.js";
import { Choice, Field } from "../ui/form.js";
import { useLive } from "../ui/live.js";
import { rpc, sentence } from "../ui/rpc.js";
import { Failed } from "../ui/table.js";
import { announce } from "../ui/toast.js";
import { T as common } from "../strings/common.js";
import { T } from "../strings/settings.js";
import { sections, shown, typed, valueAt } from "./schema.js";

export function Form() {
  const live = useLive(async () => {
    const [{ schema }, values] = await Promise.all([rpc("config.schema"), rpc("config.get")]);
    return { all: sections(schema), ...values };
  });
  if (live.error && !live.data) {
    return html`<${Failed} error=${live.error} again=${live.reload} />
      <button type="button" class="button" onClick=${() => setParam("view", "text")}>${T.inText}</button>`;
  }
  if (!live.data) return html`<p class="soft state loading">${common.loading}</p>`;
  const words = param("q").toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (one) => words.every((word) => `${one.key} ${one.help}`.toLowerCase().includes(word));
  const found = live.data.all.map((one) => ({ ...one, fields: one.fields.filter(fits) })).filter((one) => one.fields.length);
  return html`
    <div class="filters"><${Search} name=${T.search} /></div>
    ${!found.length && html`<p class="soft">${common.noneMatch}</p>`}
    ${found.map((one) => html`<${Section} key=${one.key} about=${one} data=${live.data} open=${words.length > 0} reload=${live.reload} />`)}
  `;
}

function Section({ about, data, open, reload }) {
  const [edits, setEdits] = useState({});
  const [errors, setErrors] = useState({});
  const [busy, setBusy] = useState(false);
  const count = Object.keys(edits).length;
  const edit = (one, text) => {
    const next = { ...edits, [one.key]: text };
    if (text === shown(one, valueAt(data.config, one.key))) delete next[one.key];
    setEdits(next);
  };
  const save = async (event) => {
    event.preventDefault();
    setBusy(true);
    const wanted = about.fields.filter((one) => one.key in edits);
    const changes = Object.fromEntries(wanted.map((one) => [one.key, typed(one, edits[one.key])]));
    try {
      await rpc("config.patch", { changes, base: data.base });
      setEdits({});
      setErrors({});
      announce(T.saved);
      await reload();
    } catch (error) {
      setErrors(byKey(error, Object.keys(changes)));
      announce(error.code === "CONFLICT" ? T.conflict : sentence(error));
      if (error.code === "CONFLICT") await reload();
    }
    setBusy(false);
  };
  return html`
    <details class="fold section" open=${open || undefined}>
      <summary><b>${about.key}</b> <span>${about.help}</span> ${count > 0 && html`<span class="tag">${T.changed(count)}</span>`}</summary>
      <form onSubmit=${save}>
        ${errors[""] && html`<p class="error" role="alert">${errors[""]}</p>`}
        ${about.fields.map((one) => html`<${Input} key=${one.key} one=${one} value=${valueAt(data.config, one.key)}
          text=${edits[one.key]} error=${errors[one.key]} edit=${(text) => edit(one, text)} />`)}
        ${about.fields.some((one) => one.kind !== "text" && !one.code) &&
        html`<div class="buttons">
          <button type="button" class="quiet" disabled=${!count} onClick=${() => (setEdits({}), setErrors({}))}>${T.undo}</button>
          <button class="primary" disabled=${!count || busy} aria-label=${T.saveSection(about.key)}>${T.save}</button>
        </div>`}
      </form>
    </details>
  `;
}

/** Which field a refusal belongs to; what belongs to none is told above them. */
function byKey(error, keys) {
  const found = {};
  for (const { key, what, fix } of error.details?.problems ?? []) {
    const place = keys.find((one) => one === key || key.startsWith(`${one}.`)) ?? "";
    found[place] = [found[place], place ? `${what}; ${fix}` : `${key}: ${what}; ${fix}`].filter(Boolean).join(" ");
  }
  return Object.keys(found).length ? found : { "": sentence(error) };
}

function Input({ one, value, text, error, edit }) {
  const now = text ?? shown(one, value);
  if (one.kind === "text" || one.code) return html`<${Elsewhere} one=${one} />`;
  const said = one.kind === "secret" ? T.secret(value ?? T.nothing) : T.default(words(one.default));
  const hint = [one.help, one.kind === "list" && T.list, said].filter(Boolean).join(" · ");
  const common = { name: one.name, value: now, change: edit, error, hint };
  if (one.kind === "flag" || one.kind === "choice") {
    const options = (one.kind === "flag" ? ["true", "false"] : one.options).map((each) => [each, each]);
    return html`<${Choice} ...${common} options=${[["", T.choose], ...options]} />`;
  }
  const secret = one.kind === "secret" ? { type: "password", autocomplete: "new-password" } : {};
  return html`<${Field} ...${common} ...${secret} spellcheck="false" />`;
}

/** What is written in the text: maps, lists of sections, and what names code. */
function Elsewhere({ one }) {
  const go = () => (setParam("at", one.key), setParam("view", "text"));
  return html`
    <div class="field">
      <p><b>${one.name}</b></p>
      <p class="hint">${one.help}${one.code && ` · ${T.onlyFile}`}</p>
      ${!one.code && html`<div><button type="button" class="button" aria-label=${`${T.inText}: ${one.key}`} onClick=${go}>${T.inText}</button></div>`}
    </div>
  `;
}

function words(value) {
  if (value === null || value === undefined || value === "" || (Array.isArray(value) && !value.length)) return T.nothing;
  return Array.isArray(value) ? value.join(", ") : String(value);
}
