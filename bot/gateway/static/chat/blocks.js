// Blocks of a finished answer: tables can be copied, code can be copied and is coloured.
import DOMPurify from "../vendor/purify.js";
import { copy } from "../ui/copy.js";
import { T as common } from "../strings/common.js";
import { T } from "../strings/chat.js";

const SHOWN = 1_500;
const LONGEST = 20_000; // characters of code that are coloured
const SPANS = { ALLOWED_TAGS: ["span"], ALLOWED_ATTR: ["class"], RETURN_DOM_FRAGMENT: true };
const FILES = [
  ["bash", "sh", "shell", "zsh", "console"],
  ["cpp", "c", "c++", "h", "hpp"],
  ["css"],
  ["diff", "patch"],
  ["go", "golang"],
  ["ini", "toml"],
  ["java"],
  ["javascript", "js", "jsx", "mjs"],
  ["json", "jsonc"],
  ["markdown", "md"],
  ["python", "py"],
  ["rust", "rs"],
  ["sql"],
  ["typescript", "ts", "tsx"],
  ["xml", "html", "svg"],
  ["yaml", "yml"],
];
const LANGUAGES = new Map(FILES.flatMap((names) => names.map((name) => [name, names[0]])));

/** Complete what `rendered` has made, once it no longer changes. */
export function finish(box) {
  box.querySelectorAll(".code").forEach(finishCode);
  box.querySelectorAll(".table").forEach(finishTable);
}

function finishCode(frame) {
  const bar = frame.querySelector(".code-bar");
  const code = frame.querySelector("code");
  const text = code.textContent;
  // The bar has a button of its own where the browser lets scripts write to the clipboard.
  if (!bar.querySelector("button")) bar.append(copyButton(T.copyCode, () => text));
  else bar.querySelector("button").setAttribute("aria-label", T.copyCode);
  const language = LANGUAGES.get((frame.querySelector("pre").dataset.lang ?? "").toLowerCase());
  if (language && text.length <= LONGEST) colour(code, language, text).catch(() => {}); // plain code is readable
}

async function colour(code, language, text) {
  const [{ default: highlight }, { default: grammar }] = await Promise.all([
    import("../vendor/highlight.js"),
    import(`../vendor/highlight/${language}.js`),
  ]);
  if (!highlight.getLanguage(language)) highlight.registerLanguage(language, grammar);
  const { value } = highlight.highlight(text, { language, ignoreIllegals: true });
  code.replaceChildren(DOMPurify.sanitize(value, SPANS));
}

function finishTable(frame) {
  const table = frame.querySelector("table");
  const bar = document.createElement("div");
  bar.className = "table-bar";
  bar.append(copyButton(T.copyTable, () => separated(table)));
  frame.before(bar);
}

/** The cells of a table as lines with tabs, as spreadsheets take them. */
function separated(table) {
  const clean = (cell) => cell.textContent.replace(/\s+/g, " ").trim();
  return [...table.rows].map((row) => [...row.cells].map(clean).join("\t")).join("\n");
}

function copyButton(name, text) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet";
  button.textContent = name;
  button.addEventListener("click", async () => {
    const worked = await copy(text()).catch(() => false);
    button.textContent = worked ? common.copied : common.notCopied;
    setTimeout(() => (button.textContent = name), SHOWN);
  });
  return button;
}
