// The messages that wait, as cards. A card that is being edited stays open while the page is drawn again.

export default function ({ data, parentElement, setTriggerValue }) {
  const at = (name) => parentElement.querySelector(name);
  const state = parentElement.parlourQueue ??= { editing: null, words: "" };
  const tell = (item, name, value = "") => setTriggerValue("deed", { item, name, value });
  at(".paused").hidden = !data.paused;
  at(".why").textContent = data.paused;
  at(".resume").onclick = () => tell("", "resume");
  const draw = () => {
    const cards = at(".cards"), before = parentElement.activeElement?.className;
    cards.replaceChildren(...data.items.map((item, place) =>
      item.id === state.editing ? editor(item) : card(item, place)));
    if (state.editing && !before) return;
    cards.querySelector("textarea")?.focus();
  };
  const card = (item, place) => {
    const whole = element("li", "card"), said = element("div", "said");
    said.append(element("div", "text", item.text), element("div", "model", item.model));
    const deeds = element("span", "deeds");
    deeds.append(
      icon("edit", "Edit", () => { state.editing = item.id; state.words = item.text; draw(); }),
      icon("arrow_upward", "Move up", () => tell(item.id, "up"), place === 0),
      icon("arrow_downward", "Move down", () => tell(item.id, "down"), place === data.items.length - 1),
      icon("send", data.running ? "Send next" : "Send now", () => tell(item.id, "now"), data.running && place === 0),
      icon("close", "Remove", () => tell(item.id, "remove")),
    );
    whole.append(said, deeds);
    return whole;
  };
  const editor = (item) => {
    const whole = element("li", "card"), place = element("div", "editor"), row = element("div", "row");
    const field = document.createElement("textarea");
    field.value = state.words;
    field.rows = Math.min(8, state.words.split("\n").length + 1);
    field.setAttribute("aria-label", "Edit the waiting message");
    const close = () => { state.editing = null; draw(); };
    const save = () => { if (field.value.trim()) tell(item.id, "edit", field.value); close(); };
    field.oninput = () => { state.words = field.value; };
    field.onkeydown = (event) => {
      if (event.key === "Escape") close();
      else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) save();
      else return;
      event.preventDefault();
      event.stopPropagation();
    };
    row.append(words("Save", save), words("Cancel", close));
    place.append(field, row);
    whole.append(place);
    return whole;
  };
  draw();
}

function element(tag, name, text) {
  const made = document.createElement(tag);
  made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
}

function icon(name, label, onclick, disabled = false) {
  const button = element("button", "icon", name);
  Object.assign(button, { type: "button", title: label, onclick, disabled });
  button.setAttribute("aria-label", label);
  return button;
}

function words(label, onclick) {
  const button = element("button", "words", label);
  Object.assign(button, { type: "button", onclick });
  return button;
}
