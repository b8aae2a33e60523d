// A list as a table: column headers that sort, and a state for every case: loading, failed, empty,
// nothing that matches, and ten thousand rows.
import { useRef } from "../vendor/preact-hooks.js";
import { html } from "./html.js";
import { T } from "../strings/common.js";
import { param, setParam } from "./address.js";
import { sentence } from "./rpc.js";
import { Gap, useWindow } from "./window.js";

/** A table of `rows`.
 *
 * `columns`: `{key, name, cell(row), sort?(row), end?, fit?}`; one with `sort` can be sorted by, `end`
 * puts numbers at the end of their line, `fit` leaves the width of a long table to others. The first column names the row. `live` is what `useLive`
 * answered; `all` how many rows there are before filters. `sort` is the order at first, "-name" for
 * falling; the choice is `?sort=`, or what `by` says where a page has
 * several tables. `empty`: `{title, text, action?}`, what to do when there is
 * nothing at all. `id(row)` tells rows apart.
 */
export function Table({ name, columns, rows, all = rows.length, id, live, sort = "", by = "sort", empty }) {
  if (live.error && !live.data) return html`<${Failed} error=${live.error} again=${live.reload} />`;
  if (!live.data) return html`<p class="soft state loading">${T.loading}</p>`;
  if (!all) return html`<${Nothing} ...${empty} />`;
  const order = param(by, sort);
  return html`
    ${live.error && html`<${Failed} error=${live.error} again=${live.reload} />`}
    <p class="count soft">${T.count(rows.length, all)}</p>
    ${rows.length
      ? html`<${Grid} name=${name} columns=${columns} rows=${sorted(rows, columns, order)} id=${id} order=${order} by=${by} />`
      : html`<${Nothing} title=${T.noneMatch}
          action=${html`<a class="button" href=${location.pathname}>${T.clear}</a>`} />`}
  `;
}

function Grid({ name, columns, rows, id, order, by }) {
  const body = useRef(null);
  const { start, end, before, after } = useWindow(rows.length, body);
  const part = rows.slice(start, end);
  const long = part.length < rows.length;
  return html`
    <table role="table" class=${long ? "grid long" : "grid"} aria-label=${name} aria-rowcount=${rows.length + 1}>
      <thead role="rowgroup">
        <tr role="row" aria-rowindex="1">
          ${columns.map((one) => html`<${Head} key=${one.key} column=${one} order=${order} by=${by} />`)}
        </tr>
      </thead>
      <tbody role="rowgroup" ref=${body}>
        <${Gap} height=${before} span=${columns.length} />
        ${part.map((row, at) => html`<${Row} key=${id(row)} columns=${columns} row=${row} index=${start + at + 2} />`)}
        <${Gap} height=${after} span=${columns.length} />
      </tbody>
    </table>
  `;
}

function Head({ column, order, by }) {
  if (!column.sort) return html`<th role="columnheader" scope="col" class=${look(column)}>${column.name}</th>`;
  const rising = order === column.key;
  const falling = order === `-${column.key}`;
  const turn = () => setParam(by, rising ? `-${column.key}` : column.key);
  const state = rising ? "ascending" : falling ? "descending" : "none";
  return html`
    <th role="columnheader" scope="col" class=${look(column)} aria-sort=${state}>
      <button type="button" class="sorter" title=${T.sortBy(column.name)} onClick=${turn}>
        ${column.name}<span class="arrow" aria-hidden="true">${rising ? "↑" : falling ? "↓" : ""}</span>
      </button>
    </th>
  `;
}

function Row({ columns, row, index }) {
  const [first, ...rest] = columns;
  return html`
    <tr role="row" data-row aria-rowindex=${index}>
      <th role="rowheader" scope="row" class=${look(first)}>${first.cell(row)}</th>
      ${rest.map(
        (one) => html`<td role="cell" key=${one.key} class=${look(one)} data-label=${one.name}>${one.cell(row)}</td>`,
      )}
    </tr>
  `;
}

const look = (column) => (column.end ? "end" : column.fit ? "fit" : undefined);

function sorted(rows, columns, order) {
  const falling = order.startsWith("-");
  const column = columns.find((one) => one.key === order.slice(falling ? 1 : 0));
  if (!column?.sort) return rows;
  const sign = falling ? -1 : 1;
  const keyed = rows.map((row) => [column.sort(row), row]);
  return keyed.sort(([a], [b]) => sign * compare(a, b)).map(([, row]) => row);
}

/** What is not there comes first in a rising order. */
function compare(a, b) {
  if (a === b) return 0;
  if (a === null || a === undefined) return -1;
  if (b === null || b === undefined) return 1;
  return typeof a === "string" ? a.localeCompare(b) : a < b ? -1 : 1;
}

/** There is nothing; what that means and what to do. */
export function Nothing({ title, text, action }) {
  return html`
    <div class="state">
      <p class="big">${title}</p>
      ${text && html`<p>${text}</p>`}
      ${action}
    </div>
  `;
}

/** It could not be read; why, and once more. */
export function Failed({ error, again }) {
  return html`
    <div class="state bad" role="alert">
      <p>${sentence(error)}</p>
      <button type="button" class="quiet" onClick=${again}>${T.tryAgain}</button>
    </div>
  `;
}
