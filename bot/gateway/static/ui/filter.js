// Filters above a list; each lives in the address under its name.
import { html } from "./html.js";
import { T } from "../strings/common.js";
import { param, setParam } from "./address.js";
import { Choice, Field } from "./form.js";

/** The search field of a list: `?q=`. */
export function Search({ name = T.search }) {
  return html`<${Field} name=${name} type="search" value=${param("q")} change=${(value) => setParam("q", value)} />`;
}

/** One value of a list's column: `options` are `[value, name]`; "" stands for all of them. */
export function Only({ name, by, options }) {
  const all = [["", T.all], ...options];
  return html`<${Choice} name=${name} value=${param(by)} options=${all} change=${(value) => setParam(by, value)} />`;
}

/** The rows in which every word of the search occurs; `text(row)` is what is searched. */
export function searched(rows, text) {
  const words = param("q").toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return rows;
  return rows.filter((row) => {
    const found = text(row).toLowerCase();
    return words.every((word) => found.includes(word));
  });
}

/** The different values of a column as options, in order. */
export function optionsOf(rows, value, name = (one) => one) {
  const all = [...new Set(rows.map(value).filter(Boolean))];
  return all.sort((a, b) => a.localeCompare(b)).map((one) => [one, name(one)]);
}
