// One channel account: how it is, who may talk there, and what can be done with it.
import { useState } from "../vendor/preact-hooks.js";
import { html } from "../ui/html.js";
import { go } from "../ui/address.js";
import { confirm, Dialog } from "../ui/dialog.js";
import { Area, Check, Choice, Field } from "../ui/form.js";
import { number } from "../ui/format.js";
import { Facts, Time } from "../ui/parts.js";
import { rpc, sentence } from "../ui/rpc.js";
import { announce } from "../ui/toast.js";
import { T as common } from "../strings/common.js";
import { T as words } from "../strings/agents.js";
import { T } from "../strings/agents_channels.js";
import { State } from "./channelstate.js";
import { secretsOf } from "./newchannel.js";
import { Act, Inside, listed, Opens, Part, place } from "./parts.js";
import { People } from "./people.js";

export function Account({ agent, row, reload }) {
  const { account, access } = row;
  return html`
    <p><${Inside} to=${place(agent.id, "channels")}>${T.back}<//></p>
    <${Part} name=${account} actions=${html`<${Actions} agent=${agent} row=${row} reload=${reload} />`}>
      <${Facts} rows=${[
        [words.state, html`<${State} row=${row} />`],
        [T.adapter, row.adapter],
        [T.holder, row.holder && T.process(row.holder)],
        [T.answers, html`${row.agent} <span class="hint">${row.matchedBy}</span>`],
        [T.lastEvent, row.lastEventAt && html`<${Time} at=${row.lastEventAt} />`],
        [T.quarantined, row.quarantined ? number(row.quarantined) : ""],
      ]} />
      <${TestSend} row=${row} />
    <//>
    <${Part} name=${T.who} hint=${T.whoHint}
      actions=${html`<${Opens} name=${T.changeWho}>${(close) => html`<${Who} row=${row} close=${close} reload=${reload} />`}<//>`}>
      <${Facts} rows=${[
        [T.direct, T.policies[access.dm_policy]],
        [T.directIds, access.allow_from.join(", ") || T.nobody],
        [T.groups, T.policies[access.group_policy]],
        [T.groupIds, access.group_allow_from.join(", ") || T.nobody],
        [T.mention, access.require_mention ? common.yes : common.no],
      ]} />
    <//>
    <${People} accounts=${[account]} />
  `;
}

function Actions({ agent, row, reload }) {
  const { account } = row;
  const turn = async () => {
    await rpc("channels.set", { account, enabled: row.enabled ? false : null });
    await reload();
  };
  const remove = async () => {
    const asked = { title: T.removeTitle(account), text: T.removeText, action: T.remove, danger: true };
    if (!(await confirm(asked))) return;
    await rpc("channels.remove", { account });
    announce(T.removed(account));
    go(place(agent.id, "channels"));
    await reload();
  };
  return html`
    <${Opens} name=${T.newToken}>${(close) => html`<${Token} row=${row} close=${close} reload=${reload} />`}<//>
    <${Act} name=${row.enabled ? T.disconnect : T.connect} run=${turn} done=${row.enabled ? T.disconnected : T.connected} />
    <${Act} name=${T.remove} look="button bad" run=${remove} />
  `;
}

/** Ask the platform, and send a message that says it is a test. */
function TestSend({ row }) {
  const [to, setTo] = useState("");
  const [verdict, setVerdict] = useState(null);
  const ask = async () => {
    setVerdict(null);
    const answer = await rpc("channels.test", { account: row.account, ...(to.trim() && { to: to.trim() }) });
    setVerdict(answer);
    announce(T.verdict(answer));
  };
  return html`
    <div class="filters top">
      <${Field} name=${T.to} value=${to} change=${setTo} hint=${T.toHint} />
      <div class="actions"><${Act} name=${to.trim() ? T.testSend : T.test} run=${ask} /></div>
    </div>
    ${verdict && html`<p class=${`verdict ${verdict.ok ? "good" : "bad"}`}>${T.verdict(verdict)}</p>`}
  `;
}

/** New secrets for an account; the platform is asked before they are saved. */
function Token({ row, close, reload }) {
  const [secrets, setSecrets] = useState(null);
  const [given, setGiven] = useState({});
  const [error, setError] = useState("");
  if (!secrets) secretsOf(row.adapter).then(setSecrets, (failed) => setError(sentence(failed)));
  const submit = async () => {
    setError("");
    announce(T.trying);
    try {
      const answer = await rpc("channels.set", { account: row.account, ...given });
      announce(T.saved(answer));
      close();
      await reload();
    } catch (failed) {
      setError(sentence(failed));
    }
  };
  const set = (name) => (value) => setGiven((old) => ({ ...old, [name]: value.trim() || undefined }));
  return html`
    <${Dialog} title=${T.tokenTitle(row.account)} action=${T.tryAndSave} onClose=${close} onSubmit=${submit}>
      <p>${T.tokenText}</p>
      ${(secrets ?? []).map(
        (one) => html`<${Field} key=${one.name} name=${one.name} type="password" value=${given[one.name] ?? ""} change=${set(one.name)} hint=${one.help} spellcheck="false" />`,
      )}
      ${error && html`<p class="error" role="alert">${error}</p>`}
    <//>
  `;
}

function Who({ row, close, reload }) {
  const { access } = row;
  const [rules, setRules] = useState({
    dm_policy: access.dm_policy,
    allow_from: access.allow_from.join("\n"),
    group_policy: access.group_policy,
    group_allow_from: access.group_allow_from.join("\n"),
    require_mention: access.require_mention,
  });
  const [error, setError] = useState("");
  const set = (name) => (value) => setRules((old) => ({ ...old, [name]: value }));
  const submit = async () => {
    try {
      const lists = { allow_from: listed(rules.allow_from), group_allow_from: listed(rules.group_allow_from) };
      await rpc("channels.set", { account: row.account, ...rules, ...lists });
      announce(common.saved);
      close();
      await reload();
    } catch (failed) {
      setError(sentence(failed));
    }
  };
  const options = (names) => names.map((one) => [one, T.policies[one]]);
  return html`
    <${Dialog} title=${T.whoTitle(row.account)} action=${common.save} onClose=${close} onSubmit=${submit}>
      <${Choice} name=${T.direct} value=${rules.dm_policy} change=${set("dm_policy")} options=${options(["pairing", "allowlist", "open", "disabled"])} />
      <${Area} name=${T.directIds} value=${rules.allow_from} change=${set("allow_from")} hint=${T.idsHint} rows="2" />
      <${Choice} name=${T.groups} value=${rules.group_policy} change=${set("group_policy")} options=${options(["allowlist", "open", "disabled"])} />
      <${Area} name=${T.groupIds} value=${rules.group_allow_from} change=${set("group_allow_from")} rows="2" />
      <${Check} name=${T.mention} value=${rules.require_mention} change=${set("require_mention")} />
      ${error && html`<p class="error" role="alert">${error}</p>`}
    <//>
  `;
}
