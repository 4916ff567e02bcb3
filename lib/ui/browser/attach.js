// Files on their way to the server: picked, dropped anywhere, pasted, or taken with a phone's camera.
// One state for the page, shared with the cards (`attachments.js`): uploads go on while the page is drawn again.
// `data.place`: where they are to wait. `data.limit`: bytes of the largest file, `data.room`: how many more may wait.

const BOX = '[data-testid="stChatInputTextArea"]', SEND = '[data-testid="stChatInputSubmitButton"]';
const AT_ONCE = 3, TELL_MS = 1000;
const state = window.parlourFiles ??= { uploads: [], order: {}, number: 0, told: 0, timer: 0, draw: () => {}, held: () => "", wordless: null };

export default function ({ data, parentElement, setTriggerValue }) {
  const at = (name) => parentElement.querySelector(name);
  state.data = data;
  state.tell = (name, value) => setTriggerValue(name, value);
  state.colours = parentElement;
  if (!state.listening) listen();
  at(".pick").onchange = (event) => taken(event.target);
  at(".shoot").onchange = (event) => taken(event.target);
  at(".tree").onchange = (event) => taken(event.target);
  at(".open").title = `Attach files of up to ${Math.floor(data.limit / 1e6)} MB: pick, drop or paste`;
  drawMenu(at);
  drawZone(at, Boolean(data.large));
  return () => { if (state.colours === parentElement) state.data = null; };
}

function taken(input) {
  add([...input.files].filter((file) => !input.webkitdirectory || !/^(\.|Thumbs\.db$|desktop\.ini$)/i.test(file.name)));
  input.value = "";  // the same file can be picked again
}

function drawMenu(at) {
  const button = at(".open"), menu = at(".menu"), items = [...menu.querySelectorAll(".item")];
  const phone = matchMedia("(pointer: coarse)").matches;
  button.onclick = () => {
    const place = button.getBoundingClientRect();
    menu.style.left = `${Math.max(8, Math.min(place.left, innerWidth - 216))}px`;
    menu.style.bottom = `${innerHeight - place.top + 4}px`;
    menu.togglePopover();
  };
  menu.ontoggle = (event) => {
    const open = event.newState === "open";
    button.setAttribute("aria-expanded", String(open));
    if (open) items[0].focus();
  };
  menu.onkeydown = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const now = items.indexOf(event.target);
    items[(now + step + items.length) % items.length].focus();
    event.preventDefault();
  };
  const choose = (name, act) => { at(name).onclick = () => { menu.hidePopover(); act(); }; };
  choose(".files", () => at(".pick").click());
  choose(".camera", () => phone ? at(".shoot").click() : state.tell("device", "camera"));
  choose(".sound", () => state.tell("device", "sound"));
}

// A page whose matter is files shows all ways at once instead of the menu.
function drawZone(at, large) {
  at(".attach").classList.toggle("large", large);
  at(".zone").hidden = at(".ways").hidden = !large;
  at(".open").hidden = large;
  at(".zone").onclick = () => at(".pick").click();
  at(".whole").onclick = () => at(".tree").click();
  at(".shot").onclick = () => at(".camera").click();
  at(".heard").onclick = () => at(".sound").click();
}

// --- uploading ---

function add(files) {
  const room = state.data.room - state.uploads.filter((one) => one.state !== "failed").length;
  files.forEach((file, at) => {
    const upload = { key: `u${++state.number}`, name: file.name || "file", size: file.size, sent: 0, state: "waiting", file, place: state.data.place };
    if (at >= room) fail(upload, "No more files can wait here. Send or remove some first.");
    else if (file.size > state.data.limit) fail(upload, `This file is larger than ${Math.floor(state.data.limit / 1e6)} MB, the most that is taken.`);
    state.uploads.push(upload);
  });
  state.draw();
  pump();
}

function fail(upload, sentence, again = false) {
  Object.assign(upload, { state: "failed", sentence, again, request: null });
}

function pump() {
  const busy = state.uploads.filter((one) => one.request).length;
  for (const upload of state.uploads.filter((one) => one.state === "waiting").slice(0, AT_ONCE - busy)) start(upload);
  if (!state.uploads.some((one) => one.request)) arrived(true);
}

function start(upload) {
  const request = new XMLHttpRequest(), here = location.pathname.replace(/[^/]*$/, "");
  Object.assign(upload, { request, state: "sending", sent: 0 });
  request.open("PUT", `${here}attachments/${encodeURIComponent(upload.place)}?name=${encodeURIComponent(upload.name)}`);
  request.upload.onprogress = (event) => { upload.sent = event.loaded; state.draw(); };
  request.upload.onload = () => { upload.state = "reading"; state.draw(); };
  request.onload = () => done(upload, request);
  request.onerror = () => over(upload, () => fail(upload, "The connection broke.", true));
  request.onabort = () => over(upload, () => forget(upload));
  request.send(upload.file);
}

function done(upload, request) {
  const answer = read(request.responseText);
  if (request.status !== 201) {
    over(upload, () => fail(upload, answer.sentence || "This file could not be taken.", request.status === 503));
  } else if (upload.unwanted) {
    over(upload, () => forget(upload));
    state.drop?.(answer.id);
  } else {
    over(upload, () => {
      Object.assign(upload, { state: "done", id: answer.id });
      state.order[Number(upload.key.slice(1))] = answer.id;
      state.news = true;
      arrived(false);
    });
  }
}

function over(upload, change) {
  upload.request = null;
  change();
  state.draw();
  pump();
}

function forget(upload) { state.uploads = state.uploads.filter((one) => one !== upload); }

// The page is drawn again when files are in: at once for the last one, at most once a second before.
function arrived(last) {
  if (!state.news || !state.data) return;
  const wait = last ? 0 : state.told + TELL_MS - Date.now();
  clearTimeout(state.timer);
  if (wait > 0) { state.timer = setTimeout(() => arrived(true), wait); return; }
  Object.assign(state, { news: false, told: Date.now() });
  // Small files overtake large ones: the order in which they were picked is told with them.
  for (const upload of state.uploads) upload.told = upload.state === "done";
  state.tell("arrived", Object.values(state.order));
  if (!state.uploads.some((one) => one.request)) state.order = {};
}

state.cancel = (upload) => {
  if (upload.state === "reading") { upload.unwanted = true; state.draw(); }
  else if (upload.request) upload.request.abort();
  else { forget(upload); state.draw(); }
};
state.again = (upload) => { upload.state = "waiting"; state.draw(); pump(); };
// What has become a card is no upload any more.
state.settle = (ids) => { state.uploads = state.uploads.filter((one) => one.state !== "done" || !(one.told || ids.includes(one.id))); };

function read(text) {
  try { return JSON.parse(text); } catch { return {}; }
}

// --- dropping, pasting, sending ---

function listen() {
  state.listening = true;
  const overlay = document.createElement("div"), words = document.createElement("div");
  overlay.popover = "manual";
  overlay.className = "parlour-drop";
  words.textContent = "Drop files to attach them";
  overlay.append(words);
  document.body.append(overlay);
  let inside = 0;
  const files = (event) => state.data && event.dataTransfer?.types?.includes("Files");
  const show = (wanted) => {
    if (wanted) dress(overlay, words);
    if (wanted !== overlay.matches(":popover-open")) overlay.togglePopover(wanted);
  };
  document.addEventListener("dragenter", (event) => { if (files(event)) { inside += 1; show(true); event.preventDefault(); } });
  document.addEventListener("dragover", (event) => { if (files(event)) { event.preventDefault(); event.dataTransfer.dropEffect = "copy"; } });
  document.addEventListener("dragleave", (event) => { if (files(event) && --inside <= 0) { inside = 0; show(false); } });
  document.addEventListener("drop", (event) => {
    inside = 0;
    show(false);
    if (!files(event)) return;
    event.preventDefault();
    add(dropped(event.dataTransfer));
  });
  document.addEventListener("paste", pasted, true);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.target.matches?.(BOX)) guard(event);
  }, true);
  document.addEventListener("click", (event) => { if (event.target.closest?.(SEND)) guard(event); }, true);
  addEventListener("beforeunload", (event) => { if (state.uploads.some((one) => one.request)) event.preventDefault(); });
}

function dress(overlay, words) {
  const colour = (name) => getComputedStyle(state.colours.host ?? state.colours).getPropertyValue(name);
  overlay.style.cssText = "position:fixed;inset:0;width:100vw;height:100vh;max-width:none;max-height:none;margin:0;border:0;padding:1rem;"
    + `box-sizing:border-box;place-items:center;pointer-events:none;background:color-mix(in srgb, ${colour("--st-background-color")} 85%, transparent);`;
  words.style.cssText = "display:grid;place-items:center;width:100%;height:100%;box-sizing:border-box;border-radius:1rem;"
    + `font:600 1.25rem ${colour("--st-font")};color:${colour("--st-text-color")};border:2px dashed ${colour("--st-primary-color")};`;
}

function dropped(transfer) {
  const items = [...(transfer.items ?? [])].filter((item) => item.kind === "file");
  const folders = new Set(items.map((item) => item.webkitGetAsEntry?.()).filter((entry) => entry?.isDirectory).map((entry) => entry.name));
  for (const name of folders) {
    const upload = { key: `u${++state.number}`, name, size: 0, place: state.data.place };
    fail(upload, "This is a folder. Drop the files in it.");
    state.uploads.push(upload);
  }
  return [...transfer.files].filter((file) => !folders.has(file.name));
}

function pasted(event) {
  const files = [...(event.clipboardData?.files ?? [])], field = event.target.closest?.("input, textarea, [contenteditable]");
  if (!state.data || !files.length || (field && !field.matches(BOX))) return;
  if (event.clipboardData.getData("text/plain")) return;  // words stay words, also when a picture of them came along
  event.preventDefault();
  event.stopPropagation();
  add(files.map((file, at) => named(file, at)));
}

// Browsers call every pasted picture image.png.
function named(file, at) {
  if (!/^image\.\w+$/.test(file.name)) return file;
  const time = new Date().toTimeString().slice(0, 8).replaceAll(":", ".");
  return new File([file], `Pasted picture ${time}${at ? ` ${at + 1}` : ""}.${file.name.split(".").pop()}`, { type: file.type });
}

// Enter while something is on its way, or cannot be sent: the words stay where they are.
function guard(event) {
  if (!state.data) return;
  const here = state.uploads.filter((one) => one.place === state.data.place && ["waiting", "sending", "reading"].includes(one.state) && !one.unwanted);
  const why = here.length ? "The files are still on their way. Press Enter again when they are in." : state.held();
  const box = document.querySelector(BOX);
  if (!why && (!state.wordless || box?.value.trim())) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (why) state.warn?.(why);
  else state.wordless();
}
