// Fields with a label, a hint and an error that belong to them, for eye and ear.
import { useRef } from "../vendor/preact-hooks.js";
import { html } from "./html.js";

let count = 0;

function useName() {
  return useRef(`field-${++count}`).current;
}

function Around({ id, name, hint, error, children }) {
  return html`
    <div class="field">
      <label for=${id}>${name}</label>
      ${children}
      ${hint && html`<p id=${`${id}-hint`} class="hint">${hint}</p>`}
      ${error && html`<p id=${`${id}-error`} class="error">${error}</p>`}
    </div>
  `;
}

function described(id, hint, error) {
  const about = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ");
  return { "aria-describedby": about || undefined, "aria-invalid": error ? "true" : undefined };
}

/** A line of text: `change(value)` as it is typed; `type` and the rest go to the input. */
export function Field({ name, value, change, hint, error, ...rest }) {
  const id = useName();
  return html`
    <${Around} id=${id} name=${name} hint=${hint} error=${error}>
      <input id=${id} dir="auto" autocomplete="off" value=${value} ...${described(id, hint, error)} ...${rest}
        onInput=${(event) => change(event.currentTarget.value)} />
    <//>
  `;
}

/** Several lines of text. */
export function Area({ name, value, change, hint, error, ...rest }) {
  const id = useName();
  return html`
    <${Around} id=${id} name=${name} hint=${hint} error=${error}>
      <textarea id=${id} dir="auto" rows="4" value=${value} ...${described(id, hint, error)} ...${rest}
        onInput=${(event) => change(event.currentTarget.value)}></textarea>
    <//>
  `;
}

/** One of several: `options` are `[value, name]`. */
export function Choice({ name, value, change, options, hint, error, ...rest }) {
  const id = useName();
  return html`
    <${Around} id=${id} name=${name} hint=${hint} error=${error}>
      <select id=${id} value=${value} ...${described(id, hint, error)} ...${rest}
        onChange=${(event) => change(event.currentTarget.value)}>
        ${options.map(([one, label]) => html`<option key=${one} value=${one} selected=${one === value}>${label}</option>`)}
      </select>
    <//>
  `;
}

/** Yes or no. */
export function Check({ name, value, change, ...rest }) {
  return html`
    <label class="check">
      <input type="checkbox" checked=${value} ...${rest} onChange=${(event) => change(event.currentTarget.checked)} />
      <span>${name}</span>
    </label>
  `;
}
