// What the gateway's rows look like as bars: every day has a place, also one without rows.
import { T } from "../strings/usage.js";

const MOST = 6;
const DAY = 86_400_000;

/** The days up to today (UTC), as the rows name them. */
export function daysBack(count, now = Date.now()) {
  return Array.from({ length: count }, (_, at) => new Date(now - (count - 1 - at) * DAY).toISOString().slice(0, 10));
}

/** Sums per day and name: `{names, series}`; the smallest are put together. */
export function perDay(days, rows, name, value) {
  const sums = new Map();
  for (const row of rows) sums.set(name(row), (sums.get(name(row)) ?? 0) + (value(row) ?? 0));
  const ranked = [...sums].sort((a, b) => b[1] - a[1]).map(([one]) => one);
  const shown = ranked.slice(0, ranked.length > MOST ? MOST - 1 : MOST);
  const groups = shown.map((one) => [one, (row) => name(row) === one]);
  if (shown.length < ranked.length) groups.push(["…", (row) => !shown.includes(name(row))]);
  return { names: days.map((day) => day.slice(5)), series: groups.map(([one, fits]) => ({ name: one, values: sumsOf(days, rows.filter(fits), value) })) };
}

/** Several values of each day side by side in one stack: `parts` are `[name, value(row)]`. */
export function parts(days, rows, values) {
  const names = days.map((day) => day.slice(5));
  return { names, series: values.map(([name, value]) => ({ name, values: sumsOf(days, rows, value) })) };
}

function sumsOf(days, rows, value) {
  const sums = new Map(days.map((day) => [day, 0]));
  for (const row of rows) if (sums.has(row.day)) sums.set(row.day, sums.get(row.day) + (value(row) ?? 0));
  return [...sums.values()];
}

/** A spread of times as bars. */
export function bars({ bars: all }, name) {
  return {
    names: all.map(({ upTo }) => (upTo === null ? T.over : `${upTo}`)),
    series: [{ name, values: all.map(({ count }) => count) }],
  };
}
