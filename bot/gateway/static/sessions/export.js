// A session as a file: JSON as the gateway has it, or Markdown to read.
import { exactly } from "../ui/format.js";
import { T } from "../strings/sessions.js";

const TYPES = { json: "application/json", md: "text/markdown", csv: "text/csv" };

/** A whole session, as `sessions.export` answers it, in Markdown. */
export function asMarkdown({ session, messages }) {
  const head = `# ${session.displayName}\n\n\`${session.sessionKey}\`, ${exactly(session.createdAt)}\n`;
  return [head, ...messages.map(section)].join("\n");
}

function section(row) {
  const lines = [`## ${title(row)}`, exactly(row.at)];
  if (row.text) lines.push(row.role === "tool" ? fenced(row.text) : row.text);
  for (const call of row.toolCalls ?? []) lines.push(`${T.calls(call.name)}\n\n${fenced(JSON.stringify(call.args, null, 2))}`);
  return `${lines.join("\n\n")}\n`;
}

function title(row) {
  if (row.role === "user") return row.author?.name || T.operator;
  if (row.role === "tool") return T.result(row.name ?? "");
  return row.role === "note" ? T.note : T.answer;
}

/** A fence that is longer than any in the text. */
function fenced(text) {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([one]) => one.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}\n${text}\n${fence}`;
}

/** Hand a text to the browser as a download. */
export function download(text, name, format) {
  const address = URL.createObjectURL(new Blob([text], { type: TYPES[format] }));
  const link = document.createElement("a");
  link.href = address;
  link.download = `${name.replace(/[^\p{L}\p{N}._-]+/gu, "-").replace(/^[-.]+|-+$/g, "") || T.session}.${format}`;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
