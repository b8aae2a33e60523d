// Signing in to a provider by a code that is confirmed on the provider's own page.
import { useEffect, useLayoutEffect, useRef, useState } from "../vendor/preact-hooks.js";
import { html } from "../ui/html.js";
import { CopyButton } from "../ui/copy.js";
import { rpc, sentence } from "../ui/rpc.js";
import { announce } from "../ui/toast.js";
import { T as common } from "../strings/common.js";
import { T } from "../strings/agents_models.js";

export function SignIn({ row, close, again }) {
  const dialog = useRef(null);
  const [code, setCode] = useState(null);
  const [error, setError] = useState("");
  useLayoutEffect(() => {
    const before = document.activeElement;
    const box = dialog.current;
    box.showModal();
    return () => (box.close(), before?.focus());
  }, []);
  useEffect(() => {
    let open = true;
    signIn(row.id, (one) => open && setCode(one)).then(
      () => open && (announce(T.signedIn(row.id)), close(), again()),
      (failed) => open && setError(sentence(failed)),
    );
    return () => void (open = false);
  }, [row.id]);
  return html`
    <dialog ref=${dialog} aria-label=${T.signInTitle(row.id)} onClose=${close}>
      <div class="part">
        <h2>${T.signInTitle(row.id)}</h2>
        ${!code && !error && html`<p>${common.loading}</p>`}
        ${code && html`<${Code} code=${code} waiting=${!error} />`}
        ${error && html`<p class="error" role="alert">${error}</p>`}
        <div class="buttons"><button type="button" class="quiet" onClick=${close}>${common.cancel}</button></div>
      </div>
    </dialog>
  `;
}

async function signIn(provider, show) {
  show(await rpc("providers.login", { provider }));
  await rpc("providers.loginWait", { provider });
}

function Code({ code, waiting }) {
  const address = code.wholeUrl ?? code.url;
  const safe = /^https?:/.test(address);
  return html`
    <p>${T.enterCode}</p>
    <p class="code-big">${code.userCode}</p>
    <div class="actions">
      <${CopyButton} text=${code.userCode} name=${T.copyCode} />
      ${safe && html`<a class="button" href=${address} target="_blank" rel="noreferrer noopener">${T.openPage}</a>`}
    </div>
    <p class="hint">${code.url}</p>
    ${waiting && html`<p class="hint">${T.waiting}</p>`}
  `;
}
