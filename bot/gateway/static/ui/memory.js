// What the browser remembers for the page. Never a credential: the sign-in lives in a cookie that
// scripts cannot read. A forbidden or full storage costs the memory, nothing else.

/** What this tab remembers under a name. */
export function read(name, fallback) {
  try {
    return JSON.parse(sessionStorage.getItem(name)) ?? fallback;
  } catch {
    return fallback;
  }
}

export function write(name, value) {
  try {
    if (value === null || value === "") sessionStorage.removeItem(name);
    else sessionStorage.setItem(name, JSON.stringify(value));
  } catch {
    // It is forgotten at the next reload, then.
  }
}

/** True the first time it is asked about this server version in this tab. */
export function firstSightOf(version) {
  if (read("reloaded-for", null) === version) return false;
  write("reloaded-for", version);
  return true;
}

export function theme() {
  try {
    return localStorage.getItem("theme") ?? "system";
  } catch {
    return "system";
  }
}

export function keepTheme(value) {
  try {
    localStorage.setItem("theme", value);
  } catch {
    // It holds until the page is closed, then.
  }
}
