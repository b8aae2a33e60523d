// Runs before the first paint, so that a chosen look does not flash. "system" needs no mark: the
// styles follow the system's colours, contrast and wish for less motion by themselves.
{
  let chosen = null;
  try {
    chosen = localStorage.getItem("theme");
  } catch {
    // Storage may be forbidden; then the system's theme is as good as any.
  }
  if (["light", "dark", "contrast"].includes(chosen)) document.documentElement.dataset.theme = chosen;
}
