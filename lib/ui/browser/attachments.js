// What waits to be sent with the next message: a card for every file, those still on their way among them.
// All words come from the server or from the user's disk, and are only ever set as text.

const state = window.parlourFiles ??= { uploads: [], order: {}, number: 0, told: 0, timer: 0, draw: () => {}, held: () => "", wordless: null };
const ICONS = { image: "image", video: "movie", sound: "graphic_eq", document: "description" };

export default function ({ data, parentElement, setTriggerValue }) {
  const at = (name) => parentElement.querySelector(name);
  const tell = (item, name, value = "") => setTriggerValue("deed", { item, name, value });
  state.settle?.(data.items.map((item) => item.id));
  state.drop = (id) => tell(id, "remove");
  state.held = () => data.held;
  state.wordless = data.items.length && !data.held && data.sendable ? () => tell("", "send") : null;
  state.warn = (said) => {
    at(".words").hidden = said === data.held;  // said once, now in red
    at(".warning").textContent = "";
    setTimeout(() => { at(".warning").textContent = said; }, 20);
  };
  at(".warning").textContent = "";
  const draw = () => {
    const cards = at(".cards"), root = parentElement.getRootNode(), focus = root.activeElement?.dataset?.focus;
    const known = new Set(data.items.map((item) => item.id));
    const uploads = state.uploads.filter((one) => one.place === data.place && !one.unwanted && !known.has(one.id));
    cards.replaceChildren(
      ...(data.compact ? [] : data.items.map((item, place) => cardOf(item, place, data.items.length, tell))),
      ...uploads.map(uploadOf));
    if (focus) [...cards.querySelectorAll("[data-focus]")].find((one) => one.dataset.focus === focus)?.focus();
    const empty = !data.items.length && !uploads.length;
    at(".waiting").hidden = empty;
    // Streamlit leaves a gap around every element, also around an empty one.
    const place = (root.host ?? parentElement).closest?.('[data-testid="stElementContainer"]');
    if (place) place.style.display = empty ? "none" : "";
  };
  state.draw = draw;
  at(".sum").textContent = data.sum;
  at(".total").hidden = !data.items.length || !(data.sum || data.sendable);
  at(".send").hidden = !data.sendable || Boolean(data.held);
  at(".send").onclick = () => tell("", "send");
  const offers = at(".offers"), words = at(".words");
  offers.hidden = !data.held;
  words.textContent = data.held;
  words.hidden = false;
  offers.replaceChildren(words, ...data.offers.map((offer) => {
    const button = made("button", "plainly", offer.words);
    Object.assign(button, { type: "button", onclick: () => tell("", "ask", offer.value) });
    return button;
  }));
  draw();
}

function cardOf(item, place, of, tell) {
  const card = made("li", item.why ? "card refused" : "card"), said = made("div", "said"), deeds = made("span", "deeds");
  const name = made("div", "name", item.name);
  name.title = item.name;
  said.append(made("div", "sent", item.sent));
  if (item.price) said.append(made("div", "price", item.price));
  if (item.why) said.append(made("div", "why", item.why));
  if (of > 1) {
    deeds.append(
      icon("chevron_left", `Move ${item.name} left`, `${item.id}-left`, () => tell(item.id, "left"), place === 0),
      icon("chevron_right", `Move ${item.name} right`, `${item.id}-right`, () => tell(item.id, "right"), place === of - 1));
  }
  deeds.append(icon("close", `Remove ${item.name}`, `${item.id}-remove`, () => tell(item.id, "remove")));
  card.append(picture(item), name, deeds, said);
  if (item.forms.length > 1) card.append(choice(item, tell));
  return card;
}

function picture(item) {
  if (!item.thumb) return made("span", "picture plain", ICONS[item.kind] ?? "description", true);
  const frame = made("span", "picture"), image = document.createElement("img");
  Object.assign(image, { src: item.thumb, alt: "", loading: "lazy", decoding: "async" });
  frame.append(image);
  return frame;
}

function choice(item, tell) {
  const how = made("div", "how"), select = document.createElement("select");
  select.setAttribute("aria-label", `Send ${item.name} as`);
  select.dataset.focus = `${item.id}-form`;
  for (const form of item.forms) select.append(new Option(form.words, form.value, false, form.value === item.chosen));
  select.onchange = () => { tell(item.id, "choose", select.value); };
  how.append(select);
  return how;
}

function uploadOf(upload) {
  const failed = upload.state === "failed", card = made("li", failed ? "card refused" : "card");
  const said = made("div", "said"), deeds = made("span", "deeds");
  const name = made("div", "name", upload.name);
  if (failed) said.append(made("div", "why", upload.sentence));
  else {
    const part = upload.size ? Math.min(1, upload.sent / upload.size) : 0, bar = made("div", "bar"), fill = document.createElement("i");
    const words = { waiting: "Waiting", sending: `Uploading, ${Math.round(part * 100)} %`, reading: "Looking at it", done: "In" }[upload.state];
    said.append(made("div", "sent", words));
    fill.style.width = `${upload.state === "sending" ? part * 100 : upload.state === "waiting" ? 0 : 100}%`;
    bar.append(fill);
    said.append(bar);
  }
  if (failed && upload.again) deeds.append(icon("refresh", `Try ${upload.name} again`, `${upload.key}-again`, () => state.again(upload)));
  deeds.append(icon("close", failed ? `Dismiss ${upload.name}` : `Cancel ${upload.name}`, `${upload.key}-cancel`, () => state.cancel(upload), upload.state === "done"));
  card.append(made("span", "picture plain", failed ? "error" : "upload_file", true), name, deeds, said);
  return card;
}

function made(tag, name, text, hidden = false) {
  const element = document.createElement(tag);
  element.className = name;
  if (text !== undefined) element.textContent = text;
  if (hidden) element.setAttribute("aria-hidden", "true");
  return element;
}

function icon(name, label, focus, onclick, disabled = false) {
  const button = made("button", "icon", name);
  Object.assign(button, { type: "button", title: label, onclick, disabled });
  button.setAttribute("aria-label", label);
  button.dataset.focus = focus;
  return button;
}
