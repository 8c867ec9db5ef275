/** Typing begins a message wherever the focus is, unless what has it takes the keys itself. */

const TAKES_KEYS = "input, textarea, select, video, summary, dialog, [role=menu], [role=listbox], [role=combobox]";

/** `begin()` gives the focus to where the typed character shall land; it is asked before that. */
export function startTyping(begin) {
  document.addEventListener("keydown", (event) => {
    const { key, target } = event;
    // A space presses buttons and scrolls.
    if (event.defaultPrevented || event.isComposing || [...key].length !== 1 || key === " ") return;
    if (event.ctrlKey || event.metaKey || event.altKey || target.closest?.(TAKES_KEYS)) return;
    if (!document.querySelector("dialog[open]")) begin();
  });
}
