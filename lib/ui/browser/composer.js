// Keeps what stands in the message box on the server, puts it back, and brings the cursor there when it is free.
// `data.editing`: the message that is drawn as a form. `data.chat`: whose draft it is ("new" for the next new chat, empty for none); `data.begun`: the chat that the last
// message began; `data.fill`: words from the address; `data.answers` grows when an answer has ended, `data.entered` when a message has come in.

const BOX = '[data-testid="stChatInputTextArea"]';
const SEND = '[data-testid="stChatInputSubmitButton"]';
const WAIT_MS = 400;
const CONFIRM_MS = 10000;
const box = () => document.querySelector(BOX);
const address = (chat) => `${location.pathname.replace(/[^/]*$/, "")}draft/${encodeURIComponent(chat)}`;

// One state for the page, whatever becomes of the element that carries this script.
const state = window.parlourComposer ??= { chat: null, timer: 0, saved: "", begun: "", editing: "", fill: "", answers: -1, entered: 0, waitUntil: 0, held: "", listening: false };

export default function ({ data }) {
  if (!state.listening) listen();
  if (data.entered !== state.entered) cameIn(data.entered);
  const from = state.chat;
  if (data.chat !== from) {
    flush();
    state.chat = data.chat;
    // What is typed while the first message goes out belongs to the chat that it begins.
    const carried = from !== null && data.begun === data.chat && data.begun !== state.begun;
    if (carried) later();
    else state.restoring = restore(data.chat, from !== null);
    focusBox(from !== null);
  } else if (data.answers !== state.answers && state.answers >= 0) {
    focusBox(false);
  }
  state.answers = data.answers;
  state.begun = data.begun;
  if (data.editing && data.editing !== state.editing) whenThere(editFromEnd, ".st-key-editing textarea");
  if (!data.editing && state.editing) focusBox(true);
  state.editing = data.editing;
  if (data.fill && data.fill !== state.fill) {
    state.fill = data.fill;
    // After a draft that is there already: a link must not take it away.
    Promise.resolve(state.restoring).then(() =>
      whenThere((place) => write(place.value ? `${place.value}\n\n${data.fill}` : data.fill)));
  }
}

function listen() {
  state.listening = true;
  document.addEventListener("input", (event) => { if (event.target.matches?.(BOX)) later(); }, true);
  // Sent: React empties the box without an input event; the server has cleared the draft, and what was on its way
  // to be saved must not come back.
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && event.target.matches?.(BOX) && !mustWait(event)) afterSending();
  }, true);
  document.addEventListener("click", (event) => {
    if (event.target.closest?.(SEND) && !mustWait(event)) afterSending();
  }, true);
  addEventListener("pagehide", flush);
}

// A message stays in the box until the one before it has come in: Streamlit would keep only the newer of the two.
function mustWait(event) {
  const text = box()?.value ?? "";
  if (event.isComposing || !text.trim()) return false;
  if (Date.now() < state.waitUntil) {
    event.preventDefault();
    event.stopImmediatePropagation();
    state.held = text;
    return true;
  }
  state.waitUntil = Date.now() + CONFIRM_MS;
  // Still there: something else kept it back, such as a file that cannot go, so nothing will come in.
  setTimeout(() => { if (box()?.value === text) state.waitUntil = 0; }, 100);
  return false;
}

function cameIn(entered) {
  const held = state.held;
  Object.assign(state, { entered, waitUntil: 0, held: "" });
  // Unless it was written on meanwhile.
  if (held) setTimeout(() => { if (box()?.value === held) document.querySelector(SEND)?.click(); });
}

function afterSending() {
  clearTimeout(state.timer);
  const chat = state.chat;
  setTimeout(() => { if (box()?.value === "") { save(chat, "", true); if (state.chat !== chat) save(state.chat, "", true); } }, 300);
  if (matchMedia("(pointer: fine)").matches) setTimeout(() => box()?.focus(), 50);
}

function later() {
  clearTimeout(state.timer);
  state.timer = setTimeout(() => save(state.chat, box()?.value ?? ""), WAIT_MS);
}

function flush() {
  if (!state.timer) return;
  clearTimeout(state.timer);
  const now = box()?.value;
  if (now !== undefined && now !== state.saved) save(state.chat, now);
}

function save(chat, text, always = false) {
  state.timer = 0;
  if (!chat || (text === state.saved && !always)) return;
  state.saved = text;
  fetch(address(chat), { method: "PUT", body: text, credentials: "same-origin", keepalive: text.length < 20000 }).catch(() => {});
}

async function restore(chat, switched) {
  state.saved = "";
  let kept = "";
  if (switched) whenThere(() => write(""));
  if (chat) {
    try {
      const answer = await fetch(address(chat), { credentials: "same-origin" });
      if (answer.ok) kept = await answer.text();
    } catch { /* away for a moment: the box stays as it is */ }
  }
  if (!kept || state.chat !== chat) return;
  whenThere(() => { if (box().value === "") { state.saved = kept; write(kept); } });
}

// The box belongs to React: its value is set as typing would set it.
function write(text) {
  const place = box();
  if (place.value === text) return;
  Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(place, text);
  place.dispatchEvent(new Event("input", { bubbles: true }));
}

function whenThere(act, selector = BOX, tries = 40) {
  const place = document.querySelector(selector);
  if (place) act(place);
  else if (tries) setTimeout(() => whenThere(act, selector, tries - 1), 50);
}

function editFromEnd(field) {
  field.focus();
  field.setSelectionRange(field.value.length, field.value.length);
}

// Only when nothing else is being used; `asked`: the user has just gone to this chat.
function focusBox(asked) {
  if (!matchMedia("(pointer: fine)").matches) return;
  whenThere(() => {
    const at = document.activeElement;
    const free = !at || at === document.body || at === document.documentElement;
    if (free || (asked && at.closest?.("button, a"))) box().focus({ preventScroll: true });
  });
}
