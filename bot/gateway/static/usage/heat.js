// Messages by hour of the reader's day, a row of 24 cells per channel; the table has the numbers.
import { html } from "../ui/html.js";
import { visible } from "../ui/names.js";
import { T } from "../strings/usage.js";

const HOURS = 24;
const STEPS = 4;

export function Heat({ rows }) {
  const channels = [...new Set(rows.map((row) => row.channel))];
  const sums = new Map();
  for (const row of rows) {
    const key = `${row.channel} ${new Date(row.at).getHours()}`;
    sums.set(key, (sums.get(key) ?? 0) + row.count);
  }
  const most = Math.max(...sums.values());
  const step = (count) => (count ? Math.ceil((STEPS * count) / most) : 0);
  return html`
    <div role="img" aria-label=${T.plotOf(T.messages)}>
      ${channels.map(
        (one) => html`
          <p class="soft">${visible(one)}</p>
          <div class="heat">
            ${Array.from({ length: HOURS }, (_, hour) => {
              const count = sums.get(`${one} ${hour}`) ?? 0;
              return html`<span class=${`cell heat${step(count)}`} title=${`${hour}:00, ${count}`}></span>`;
            })}
          </div>
        `,
      )}
      <p class="soft">${"0:00 – 23:00"}</p>
    </div>
  `;
}
