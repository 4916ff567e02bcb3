// The row below a message. It is told what can be done (`data.deeds`, `data.menu`) and tells what was chosen.
// This script is sent once per page; every row only hands itself over (`footer_row.js`).

export default function ({ data }) {
  const template = document.createElement("template"), style = new CSSStyleSheet();
  template.innerHTML = data.html;
  style.replaceSync(data.css);
  window.parlourRow = (row) => drawRow(row, template, style);
  for (const row of (window.parlourRows ?? []).splice(0)) window.parlourRow(row);
}

function drawRow({ data, parentElement, setTriggerValue }, template, style) {
  const at = (name) => parentElement.querySelector(name);
  if (!at(".footer")) {
    const root = parentElement.getRootNode();
    root.adoptedStyleSheets = [...root.adoptedStyleSheets, style];
    parentElement.append(template.content.cloneNode(true));
  }
  const tell = (deed) => setTriggerValue("deed", { name: deed.name, value: deed.value });
  at(".footer").classList.toggle("floating", data.floating);
  at(".line").textContent = data.line;
  at(".line").title = data.detail;
  drawVersions(at, data, tell);
  drawCopy(at(".copy"), data.copy, data.copy_words);
  at(".deeds").replaceChildren(...data.deeds.map((deed) => iconButton(deed, tell)));
  drawMenu(at(".more"), at(".menu"), data.menu, tell);
}

function drawVersions(at, { version, of, before, after }, tell) {
  at(".versions").hidden = of < 2;
  at(".which").textContent = `${version}/${of}`;
  for (const [name, step, words] of [[".before", -1, before], [".after", 1, after]]) {
    const button = at(name);
    button.disabled = step < 0 ? version <= 1 : version >= of;
    button.title = words;
    button.onclick = () => tell({ name: "turn", value: String(step) });
  }
}

function drawCopy(button, address, words) {
  button.hidden = !address;
  button.setAttribute("aria-label", words);
  button.onclick = async () => {
    const copied = await copyFrom(address);
    button.textContent = copied ? "check" : "error";
    button.title = copied ? "Copied" : "Copying is not possible here";
    setTimeout(() => { button.textContent = "content_copy"; button.title = "Copy"; }, 1500);
  };
}

async function copyFrom(address) {
  try {
    const answer = await fetch(address, { credentials: "same-origin" });
    if (!answer.ok) return false;
    await navigator.clipboard.writeText(await answer.text());
    return true;
  } catch {
    return false;
  }
}

function iconButton(deed, tell) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = deed.name;
  button.textContent = deed.icon;
  button.title = deed.note ? `${deed.text} (${deed.note})` : deed.text;
  button.setAttribute("aria-label", deed.text);
  button.onclick = () => tell(deed);
  return button;
}

// --- the menu: a list of groups, in the browser's top layer so that nothing cuts it off ---

function drawMenu(button, menu, groups, tell) {
  button.hidden = !groups.length;
  const drawn = JSON.stringify(groups);
  if (menu.dataset.drawn === drawn) return;  // an open menu stays as it is while the page is drawn again
  menu.dataset.drawn = drawn;
  const close = (focus) => {
    if (menu.matches(":popover-open")) menu.hidePopover();
    button.setAttribute("aria-expanded", "false");
    document.removeEventListener("pointerdown", outside, true);
    window.removeEventListener("scroll", away, true);
    if (focus) button.focus();
  };
  const outside = (event) => { if (!event.composedPath().some((place) => place === menu || place === button)) close(false); };
  const away = (event) => { if (event.target !== menu) close(false); };
  const choose = (deed) => {
    close(true);
    if (deed.name === "pick") document.querySelector(".st-key-model-button button")?.click();
    else tell(deed);
  };
  menu.replaceChildren(...groups.map((group) => drawGroup(group, choose)));
  button.onclick = () => {
    if (menu.matches(":popover-open")) return close(true);
    menu.showPopover();
    place(menu, button);
    button.setAttribute("aria-expanded", "true");
    document.addEventListener("pointerdown", outside, true);
    window.addEventListener("scroll", away, true);
    menu.querySelector(".item")?.focus({ preventScroll: true });
  };
  menu.onkeydown = (event) => onKey(event, menu, close);
}

function drawGroup({ heading, note, items }, choose) {
  const group = document.createElement("div");
  group.className = "group";
  group.setAttribute("role", "group");
  if (heading) {
    group.setAttribute("aria-label", heading);
    group.append(spans("div", "heading", { "": heading, note }));
  }
  for (const deed of items) {
    const item = spans("button", "item", { icon: deed.icon, text: deed.text, note: deed.note });
    item.type = "button";
    item.tabIndex = -1;
    item.setAttribute("role", "menuitem");
    item.firstChild.setAttribute("aria-hidden", "true");
    item.onclick = () => choose(deed);
    group.append(item);
  }
  return group;
}

function spans(tag, name, texts) {
  const whole = document.createElement(tag);
  whole.className = name;
  for (const [part, text] of Object.entries(texts)) {
    const span = document.createElement("span");
    span.className = part;
    span.textContent = text;
    whole.append(span);
  }
  return whole;
}

function place(menu, button) {
  const from = button.getBoundingClientRect(), size = menu.getBoundingClientRect(), gap = 4;
  const below = from.bottom + gap + size.height <= window.innerHeight;
  const top = below ? from.bottom + gap : Math.max(gap, from.top - gap - size.height);
  const left = Math.min(Math.max(gap * 2, from.left), window.innerWidth - size.width - gap * 2);
  menu.style.top = `${top}px`;
  menu.style.left = `${left}px`;
}

function onKey(event, menu, close) {
  const items = [...menu.querySelectorAll(".item")];
  const now = items.indexOf(menu.getRootNode().activeElement);
  const next = { ArrowDown: now + 1, ArrowUp: now - 1, Home: 0, End: items.length - 1 }[event.key];
  if (next !== undefined) items[(next + items.length) % items.length].focus();
  else if (event.key === "Escape") close(true);
  else if (event.key === "Tab") return close(true);
  else return;
  event.preventDefault();
  event.stopPropagation();  // Escape means this menu, not the running answer
}
