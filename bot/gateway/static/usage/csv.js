// A table as a file for spreadsheets. What a sheet would take for a formula is text in it.
import { download } from "../sessions/export.js";

/** `columns`: `{name, value(row)}`. */
export function saveCsv(name, columns, rows) {
  const lines = [columns.map((one) => one.name), ...rows.map((row) => columns.map((one) => one.value(row)))];
  download(`${lines.map((cells) => cells.map(cell).join(",")).join("\r\n")}\r\n`, name, "csv");
}

export function cell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
