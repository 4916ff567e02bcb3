// The files of one message. Names and texts are hostile: they are only ever set as text.

const MOST_CHARACTERS = 200000;

export default function ({ data, parentElement }) {
  const at = (name) => parentElement.querySelector(name);
  const drawn = JSON.stringify(data.items);
  if (parentElement.parlourFilesOf === drawn) return;  // a playing video goes on while the page is drawn again
  parentElement.parlourFilesOf = drawn;
  const of = (kind) => data.items.filter((item) => item.kind === kind), pictures = of("picture");
  const large = viewer(at, pictures);
  at(".pictures").classList.toggle("many", pictures.length > 4);
  at(".pictures").classList.toggle("wide", Boolean(data.large) && pictures.length <= 4);
  at(".pictures").replaceChildren(...pictures.map((item, place) => thumbnail(item, () => large(place))));
  at(".videos").replaceChildren(...of("video").map(video));
  at(".documents").replaceChildren(...of("document").map(documentOf));
}

function thumbnail(item, onclick) {
  const button = made("button", "thumb"), image = document.createElement("img");
  Object.assign(image, { src: item.address, alt: "", loading: "lazy", decoding: "async" });
  if (item.width && item.height) image.style.aspectRatio = `${item.width} / ${item.height}`;
  Object.assign(button, { type: "button", title: item.words, onclick });
  button.setAttribute("aria-label", `Show ${item.name}`);
  button.append(image);
  if (item.caption) button.append(made("span", "caption", item.caption));
  return button;
}

function video(item) {
  const whole = made("div", "clip"), player = document.createElement("video");
  Object.assign(player, { controls: true, preload: "metadata", src: item.address, playsInline: true });
  player.setAttribute("aria-label", item.name);
  if (item.width && item.height) player.style.aspectRatio = `${item.width} / ${item.height}`;
  whole.append(player, made("div", "under", item.words));
  return whole;
}

function documentOf(item) {
  const whole = document.createElement("details"), head = document.createElement("summary"), said = made("div", "said"), text = document.createElement("pre");
  const icon = made("span", "icon", "description");
  icon.setAttribute("aria-hidden", "true");
  said.append(made("div", "title", item.name), made("div", "under", item.words));
  head.append(icon, said);
  text.tabIndex = 0;
  text.setAttribute("role", "region");
  text.setAttribute("aria-label", `Text of ${item.name}`);
  whole.append(head, text);
  whole.ontoggle = async () => {
    if (!whole.open || text.textContent) return;
    text.textContent = "Loading…";
    try {
      const answer = await fetch(item.address, { credentials: "same-origin" });
      if (!answer.ok) throw new Error();
      const words = await answer.text();
      text.textContent = words.length > MOST_CHARACTERS ? `${words.slice(0, MOST_CHARACTERS)}\n…` : words || "No text.";
    } catch {
      text.textContent = "The text cannot be shown now. Close and open it to try again.";
      whole.addEventListener("toggle", () => { text.textContent = ""; }, { once: true });
    }
  };
  return whole;
}

// --- one picture, large ---

function viewer(at, pictures) {
  const dialog = at(".large");
  let place = 0;
  const show = () => {
    const item = pictures[place];
    at(".whole").src = item.address;
    at(".whole").alt = item.name;
    at(".bar .name").textContent = [item.name, item.caption].filter(Boolean).join(", ");
    at(".out").href = item.address;
    for (const [name, end] of [[".before", 0], [".after", pictures.length - 1]]) {
      at(name).hidden = pictures.length < 2;
      at(name).disabled = place === end;
    }
  };
  const turn = (step) => { place = Math.max(0, Math.min(pictures.length - 1, place + step)); show(); };
  at(".before").onclick = () => turn(-1);
  at(".after").onclick = () => turn(1);
  at(".close").onclick = () => dialog.close();
  dialog.onclick = (event) => { if (event.target === dialog) dialog.close(); };
  dialog.onkeydown = (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) turn(step);
    if (event.key === "Escape") event.stopPropagation();  // closes this, and does not stop the answer
  };
  return (at) => { place = at; show(); dialog.showModal(); };
}

function made(tag, name, text) {
  const element = document.createElement(tag);
  element.className = name;
  if (text !== undefined) element.textContent = text;
  return element;
}
