// A new channel account: what its kind needs is read from the configuration's schema, so that every
// adapter has a form. The platform is asked before anything is saved.
import { useEffect, useState } from "../vendor/preact-hooks.js";
import { html } from "../ui/html.js";
import { Dialog } from "../ui/dialog.js";
import { Choice, Field } from "../ui/form.js";
import { rpc, sentence } from "../ui/rpc.js";
import { announce } from "../ui/toast.js";
import { T as common } from "../strings/common.js";
import { T } from "../strings/agents_channels.js";

const ENDS = "Channel";

/** The kinds of channels: `{adapter, fields: [{name, help, secret, needed}]}`. */
async function kinds() {
  const { schema } = await rpc("config.schema");
  const found = Object.entries(schema.$defs)
    .filter(([name, one]) => name.endsWith(ENDS) && one.properties?.adapter?.const)
    .map(([, one]) => one);
  const shared = Object.keys(found[0]?.properties ?? {}).filter((name) => found.every((one) => name in one.properties));
  return found.map((one) => ({ adapter: one.properties.adapter.const, fields: fields(one, new Set(shared)) }));
}

/** An adapter's own options that are a line of text, secrets and needed ones first. */
function fields({ properties, required = [] }, shared) {
  const own = Object.entries(properties).filter(([name, one]) => !isShared(name, one, shared) && isText(one));
  const all = own.map(([name, one]) => ({
    name,
    help: one.description,
    secret: Boolean(one.writeOnly),
    needed: required.includes(name),
    usual: one.default,
  }));
  return all.sort((a, b) => b.needed - a.needed || b.secret - a.secret);
}

// A secret that every adapter happens to call the same is still its own.
const isShared = (name, one, shared) => shared.has(name) && !one.writeOnly && name !== "base_url";
const isText = (one) => [one, ...(one.anyOf ?? [])].some((kind) => [kind.type].flat().includes("string"));

/** The secrets of an adapter. */
export async function secretsOf(adapter) {
  const kind = (await kinds()).find((one) => one.adapter === adapter);
  return (kind?.fields ?? []).filter((one) => one.secret);
}

export function AddChannel({ agent, close, reload }) {
  const [all, setAll] = useState(null);
  const [adapter, setAdapter] = useState("");
  const [name, setName] = useState("");
  const [given, setGiven] = useState({});
  const [error, setError] = useState("");
  useEffect(() => {
    kinds().then(
      (found) => (setAll(found), setAdapter(found[0]?.adapter ?? "")),
      (failed) => setError(sentence(failed)),
    );
  }, []);
  const kind = all?.find((one) => one.adapter === adapter);
  const needed = kind?.fields.filter((one) => one.needed || one.secret) ?? [];
  const more = kind?.fields.filter((one) => !needed.includes(one)) ?? [];
  const submit = async () => {
    setError("");
    announce(T.trying);
    const account = name.trim() || adapter;
    try {
      const own = { ...(account !== adapter && { adapter }), ...(!agent.default && { agent: agent.id }) };
      const answer = await rpc("channels.set", { account, ...own, ...given });
      announce(T.saved(answer));
      close();
      await reload();
    } catch (failed) {
      setError(sentence(failed));
    }
  };
  const field = (one) => html`<${Own} key=${one.name} one=${one} given=${given} setGiven=${setGiven} />`;
  return html`
    <${Dialog} title=${T.add} action=${T.tryAndSave} onClose=${close} onSubmit=${submit}>
      ${!all && !error && html`<p>${common.loading}</p>`}
      ${kind &&
      html`
        <${Choice} name=${T.adapter} value=${adapter} change=${(one) => (setAdapter(one), setGiven({}))} options=${all.map((one) => [one.adapter, one.adapter])} />
        <${Field} name=${T.account} value=${name} change=${setName} placeholder=${adapter} hint=${T.accountHint} />
        ${needed.map(field)}
        ${more.length > 0 && html`<details class="fold"><summary>${T.more}</summary><div class="part">${more.map(field)}</div></details>`}
      `}
      ${error && html`<p class="error" role="alert">${error}</p>`}
    <//>
  `;
}

function Own({ one, given, setGiven }) {
  const set = (value) => setGiven((old) => ({ ...old, [one.name]: value.trim() || undefined }));
  return html`<${Field} name=${one.name} type=${one.secret ? "password" : "text"} value=${given[one.name] ?? ""} change=${set}
    hint=${one.help} placeholder=${typeof one.usual === "string" ? one.usual : ""} required=${one.needed} spellcheck="false" />`;
}
