// The shortcuts that Streamlit's own `shortcut=` cannot have, and the sheet that lists all of them.
// Nothing fires while somebody types, except together with Ctrl or Cmd.

const MAC = /Mac|iPhone|iPad/.test(navigator.platform);
const SHEET = [
  ["New chat", "Mod", "Shift", "O"],
  ["Search chats", "Mod", "K"],
  ["Choose a model", "Mod", "Shift", "M"],
  ["Stop the answer", "Esc"],
  ["Answer again", "Mod", "Shift", "E"],
  ["Copy the last answer", "Mod", "Shift", "Y"],
  ["Edit: save and send", "Mod", "Enter"],
  ["Edit: cancel", "Esc"],
  ["Settings", "Mod", ","],
  ["Write a message", "/"],
  ["This list", "?"],
];

let sheet = null, opener = null;

export default function ({ parentElement }) {
  sheet = parentElement.querySelector(".sheet");
  fill(parentElement.querySelector(".keys"));
  parentElement.querySelector(".close").onclick = () => sheet.close();
  sheet.onclick = (event) => { if (event.target === sheet) sheet.close(); };
  sheet.onclose = () => opener?.focus?.();
  document.addEventListener("keydown", onKey, true);
  document.addEventListener("click", onClick, true);
  return () => {
    document.removeEventListener("keydown", onKey, true);
    document.removeEventListener("click", onClick, true);
  };
}

function fill(list) {
  list.replaceChildren(...SHEET.flatMap(([what, ...keys]) => {
    const term = document.createElement("dt"), shown = document.createElement("dd");
    term.textContent = what;
    shown.append(...keys.map((key) => {
      const cap = document.createElement("kbd");
      cap.textContent = key === "Mod" ? (MAC ? "⌘" : "Ctrl") : key === "Shift" && MAC ? "⇧" : key;
      return cap;
    }));
    return [term, shown];
  }));
}

function show() {
  if (sheet.open) return sheet.close();
  opener = document.activeElement;
  sheet.showModal();
}

function onClick(event) {
  if (event.target.closest?.(".st-key-keyboard button")) {
    event.preventDefault();
    event.stopPropagation();
    show();
  }
}

function onKey(event) {
  if (event.isComposing || event.altKey) return;
  const mod = event.ctrlKey || event.metaKey, key = event.key.toLowerCase();
  if (!mod && event.key === "Escape") return cancelEdit(event);
  if (sheet.open && !["?", "/"].includes(key)) return;
  const act = mod ? withMod(key, event.shiftKey) : typing(event) ? null : alone(key);
  if (act && act() !== false) {
    event.preventDefault();
    event.stopPropagation();
  }
}

function withMod(key, shift) {
  if (shift) return { m: () => press(".st-key-model-button button"), e: () => lastFooter(".again"), y: () => lastFooter(".copy"), "?": show, "/": show }[key];
  return { k: search, ",": () => press('.st-key-places a[href$="settings"]'), "/": show }[key];
}

function alone(key) {
  return { "?": show, "/": () => focus('[data-testid="stChatInputTextArea"]') }[key];
}

function typing(event) {
  const at = event.composedPath()[0];
  return at.matches?.("input, textarea, select, [contenteditable]") || at.isContentEditable;
}

function cancelEdit(event) {
  if (!event.target.closest?.(".st-key-editing")) return;
  event.preventDefault();
  event.stopPropagation();  // Escape means this form, not the running answer
  press(".st-key-cancel-edit button");
}

function press(selector) {
  const found = document.querySelector(selector);
  found?.click();
  return Boolean(found);
}

function focus(selector) {
  const found = document.querySelector(selector);
  found?.focus();
  return Boolean(found);
}

function search() {
  press('[data-testid="stExpandSidebarButton"]');
  setTimeout(() => { const field = document.querySelector(".st-key-chat-search input"); field?.focus(); field?.select(); }, 50);
}

// The deeds below the last answer live in a shadow tree.
function lastFooter(selector) {
  const footers = [...document.querySelectorAll('[class*="st-key-footer-"]')];
  for (const host of footers.at(-1)?.querySelectorAll("*") ?? []) {
    const button = host.shadowRoot?.querySelector(selector);
    if (button && !button.hidden) {
      button.click();
      return true;
    }
  }
  return false;
}
