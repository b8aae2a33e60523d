// The schema as a form needs it: sections with their keys, and what kind of field each one is.

const REFERENCE = /^\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}$/;
// Whoever sets these decides which program or code runs: they change in the file alone.
const CODE = ["plugins", "hooks.dirs", "skills.dirs", "tools.sandbox.backend"];

/** The sections of the file: `{key, help, fields}`; a field is `{key, name, help, kind, ...}`. */
export function sections(schema) {
  const found = [];
  for (const [name, about] of Object.entries(schema.properties)) {
    const below = section(about, schema);
    const fields = below ? [...fieldsOf(below, name, schema)] : [field(name, name, about, schema)];
    found.push({ key: name, help: about.description ?? "", fields });
  }
  return found;
}

function* fieldsOf(about, path, schema) {
  for (const [name, one] of Object.entries(about.properties ?? {})) {
    const key = `${path}.${name}`;
    const below = section(one, schema);
    if (below) yield* fieldsOf(below, key, schema);
    else yield field(key, key.split(".").slice(1).join("."), one, schema);
  }
}

const resolved = (about, schema) => (about.$ref ? schema.$defs[about.$ref.split("/").pop()] : about);

/** The cases that a value may take, nested ones too. */
function cases(about, schema) {
  const one = resolved(about, schema);
  return one.anyOf ? one.anyOf.flatMap((part) => cases(part, schema)) : [one];
}

function section(about, schema) {
  const all = cases(about, schema).filter((one) => one.type !== "null");
  return all.length === 1 && all[0].properties && !all[0].additionalProperties ? all[0] : null;
}

function field(key, name, about, schema) {
  const all = cases(about, schema).filter((one) => one.type !== "null" && !isReference(one));
  const types = new Set(all.flatMap((one) => one.type ?? []));
  const common = { key, name, help: about.description ?? "", default: about.default, code: CODE.includes(key) };
  if (about.writeOnly || all.some((one) => one.writeOnly)) return { ...common, kind: "secret" };
  if (all.some((one) => one.properties || one.type === "object" || one.additionalProperties)) return { ...common, kind: "text" };
  const list = all.find((one) => one.type === "array");
  if (list) return { ...common, kind: isPlain(list.items ?? {}, schema) ? "list" : "text" };
  if (types.has("boolean") && types.size === 1) return { ...common, kind: "flag" };
  const words = all.find((one) => one.enum);
  if (words && all.length === 1) return { ...common, kind: "choice", options: words.enum };
  return { ...common, kind: "line", numbers: types.has("integer") || types.has("number") };
}

const isReference = (one) => one.type === "string" && one.pattern?.startsWith("\\$\\{");
const isPlain = (about, schema) => cases(about, schema).every((one) => !one.properties && one.type !== "object" && one.type !== "array");

/** A value as a field shows it; what is the default is left empty. */
export function shown(one, value) {
  if (one.kind === "secret" || same(value, one.default) || value === null || value === undefined) return "";
  return Array.isArray(value) ? value.join(", ") : String(value);
}

/** What was typed, as it belongs into the file; null takes the key away. */
export function typed(one, text) {
  const plain = text.trim();
  if (!plain) return null;
  if (one.kind === "flag") return plain === "true";
  if (one.kind === "list") return plain.split(",").map((part) => part.trim()).filter(Boolean);
  if (one.numbers && !REFERENCE.test(plain) && /^[-+]?\d+(\.\d+)?$/.test(plain)) return Number(plain);
  return one.kind === "secret" ? text : plain;
}

/** The value below a dotted key. */
export const valueAt = (config, key) => key.split(".").reduce((found, part) => found?.[part], config);

const same = (a, b) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
