// The page's address as state: where we are, and what is filtered, so that a link, a bookmark and
// the back button bring the same view again.
import { signal } from "../vendor/signals.js";

const path = signal(location.pathname);
const query = signal(new URLSearchParams(location.search));

addEventListener("popstate", read);

function read() {
  path.value = location.pathname;
  query.value = new URLSearchParams(location.search);
}

/** The decoded parts of the path: `/agents/main/tasks` is `["agents", "main", "tasks"]`. */
export function parts() {
  return path.value.split("/").filter(Boolean).map(decoded);
}

/** Go to an address of this same page, in a way that the back button undoes. */
export function go(address) {
  history.pushState(null, "", address);
  read();
}

export const param = (name, fallback = "") => query.value.get(name) ?? fallback;

/** Note a filter in the address; "" and null take it out. */
export function setParam(name, value) {
  const next = new URLSearchParams(location.search);
  if (value === "" || value === null) next.delete(name);
  else next.set(name, value);
  const text = next.toString();
  history.replaceState(null, "", `${location.pathname}${text && `?${text}`}${location.hash}`);
  query.value = next;
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
