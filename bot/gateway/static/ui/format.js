// Times and numbers as people read them: in the reader's own zone and manner of writing, and with
// a task's zone named wherever it is another one.

export const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** `local` is the zone of the gateway's host, which has no name here. */
const named = (zone) => (zone === "local" ? ZONE : zone);

/** A time of day, with the date when it was not today. */
export function when(iso) {
  if (!iso) return "";
  const at = new Date(iso);
  const now = new Date();
  const today = at.toDateString() === now.toDateString();
  const day = today ? {} : { day: "numeric", month: "short" };
  const year = at.getFullYear() === now.getFullYear() ? {} : { year: "numeric" };
  return at.toLocaleString(undefined, { ...day, ...year, hour: "2-digit", minute: "2-digit" });
}

/** The whole time with its zone's name, for a tooltip or a fact sheet. */
export function exactly(iso, zone = ZONE) {
  if (!iso) return "";
  const at = new Date(iso).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium", timeZone: named(zone) });
  return `${at} (${named(zone)})`;
}

/** A time here and, where that differs, in a zone: "08:00 (Asia/Tokyo 15:00)". */
export function inZone(iso, zone) {
  if (!iso) return "";
  if (!zone || named(zone) === ZONE) return when(iso);
  const there = new Date(iso).toLocaleString(undefined, { timeZone: zone, hour: "2-digit", minute: "2-digit" });
  return `${when(iso)} (${zone} ${there})`;
}

export const number = (value) => (value === null || value === undefined ? "" : value.toLocaleString());

export const cost = (value) => (value ? `$${value.toFixed(4)}` : "");

/** Seconds, or minutes and hours where that is easier to read. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
}

/** Bytes in the unit that keeps the number short. */
export function size(bytes) {
  const units = ["B", "KiB", "MiB", "GiB"];
  let at = 0;
  let value = bytes;
  while (value >= 1024 && at < units.length - 1) {
    value /= 1024;
    at += 1;
  }
  return `${at && value < 10 ? value.toFixed(1) : Math.round(value)} ${units[at]}`;
}
