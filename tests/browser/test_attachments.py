"""Files at the composer, in a real browser: picked, dropped, pasted, chosen, sent, and shown again."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Locator, Page, expect

from lib.embedded import EmbeddedGateway
from tests.browser.conftest import Parlour, Watch
from tests.browser.steps import (
    COMPOSER,
    MESSAGES,
    Running,
    answered,
    ask,
    begun,
    eventually,
    growing,
    last_message,
    open_new_chat,
    rows,
    say,
    settled,
    stop,
)
from tests.browser.test_accessibility import in_every_look
from tests.intake import made

pytestmark = pytest.mark.browser

STRIP, CARDS = ".st-key-attachments", ".st-key-attachments .card"
HOSTILE = '<img src=x onerror=alert(1)> **b** :red[x] "q".txt'

DROP = """([files, target]) => {
  const transfer = new DataTransfer();
  for (const [name, type, data] of files)
    transfer.items.add(new File([Uint8Array.from(atob(data), (c) => c.charCodeAt(0))], name, { type }));
  const at = target ? document.querySelector(target) : document.body;
  const fire = (kind) => at.dispatchEvent(new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }));
  fire("dragenter");
  const seen = document.querySelector(".parlour-drop").matches(":popover-open");
  fire("dragover");
  fire("drop");
  return [seen, document.querySelector(".parlour-drop").matches(":popover-open")];
}"""
PASTE = """([files, text]) => {
  const transfer = new DataTransfer();
  for (const [name, type, data] of files)
    transfer.items.add(new File([Uint8Array.from(atob(data), (c) => c.charCodeAt(0))], name, { type }));
  if (text) transfer.setData("text/plain", text);
  const event = new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true });
  return document.querySelector('[data-testid="stChatInputTextArea"]').dispatchEvent(event);
}"""


@pytest.fixture(autouse=True)
def nothing_waits(app: Running, page: Page) -> None:
    """A new chat is one place for all tabs, so each test begins with an empty one."""
    open_new_chat(page, app)
    left = int(rows(app, "SELECT count(*) AS n FROM attachment WHERE place = 'new'")[0]["n"])
    for count in range(left, 0, -1):
        expect(page.locator(CARDS)).to_have_count(count)
        page.locator(CARDS).first.get_by_role("button", name="Remove").click()
    expect(page.locator(CARDS)).to_have_count(0)
    settled(page)


def payload(name: str, data: bytes, kind: str = "application/octet-stream") -> FilePayload:
    return FilePayload(name=name, mimeType=kind, buffer=data)


def pick(page: Page, files: Mapping[str, bytes]) -> None:
    """As the dialog of the browser would hand them over; wait until every one is a card."""
    before = page.locator(CARDS).count()
    page.locator(".st-key-attach .pick").set_input_files([payload(name, data) for name, data in files.items()])
    expect(page.locator(CARDS)).to_have_count(before + len(files))
    expect(page.locator(f"{CARDS} .bar")).to_have_count(0, timeout=30_000)
    settled(page)


def card(page: Page, name: str) -> Locator:
    return page.locator(CARDS, has_text=name)


def as_script(files: Mapping[str, tuple[str, bytes]]) -> list[list[str]]:
    return [[name, kind, base64.b64encode(data).decode()] for name, (kind, data) in files.items()]


def choose_model(page: Page, words: str) -> None:
    page.locator(".st-key-model-button button").first.click()
    body = page.get_by_test_id("stPopoverBody").filter(visible=True)
    body.get_by_role("combobox", name="Model").fill(words)
    page.keyboard.press("Enter")
    settled(page)
    page.keyboard.press("Escape")


def test_a_picked_picture_waits_is_made_small_and_described(app: Running, page: Page) -> None:
    pick(page, {"holiday.jpg": made.jpeg(3000, 2000)})
    shown = card(page, "holiday.jpg")
    expect(shown).to_contain_text("Picture, 1568×1045")
    expect(shown).to_contain_text("was 3000×2000")
    expect(shown).to_contain_text("tokens, ≈ $")
    expect(page.locator(".st-key-quote-button")).not_to_contain_text("0 of")
    expect(page.locator(STRIP)).to_contain_text("1 attachment ≈ ")
    shown.get_by_role("combobox", name="Send holiday.jpg as").select_option("small")
    expect(shown).to_contain_text("Picture, 768×512")
    page.reload()
    settled(page)
    expect(card(page, "holiday.jpg")).to_contain_text("Picture, 768×512")
    chat = ask(page, "What is this?")
    expect(last_message(page)).to_contain_text("768 × 512 pixels")
    expect(page.locator(CARDS)).to_have_count(0)
    (stored,) = rows(
        app,
        "SELECT m.parts FROM message m JOIN conversation c ON c.id = m.conversation_id "
        "WHERE c.public_id = ? AND m.role = 'user'",
        chat,
    )
    assert "stored:" in stored["parts"]
    assert "base64" not in stored["parts"]
    assert not list((app.data_dir / "incoming").iterdir())
    page.locator('[class*="st-key-files-"] .thumb').click()
    whole = page.locator('[class*="st-key-files-"] .whole')
    expect(whole).to_be_visible()
    assert whole.evaluate("image => image.decode().then(() => [image.naturalWidth, image.naturalHeight])") == [768, 512]
    page.keyboard.press("Escape")
    expect(whole).to_be_hidden()
    open_new_chat(page, app)
    expect(page.locator(CARDS)).to_have_count(0)


def test_files_are_dropped_anywhere_with_a_sign_and_stand_in_their_order(app: Running, page: Page) -> None:
    files = {
        "first, large.png": ("image/png", made.png(1400, 1400)),
        "second.txt": ("text/plain", b"small words"),
        "third.png": ("image/png", made.png(60, 60)),
    }
    assert page.evaluate(DROP, [as_script(files), None]) == [True, False]
    expect(page.locator(CARDS)).to_have_count(3)
    expect(page.locator(f"{CARDS} .bar")).to_have_count(0)
    settled(page)
    names = page.locator(f"{CARDS} .name")
    assert names.all_inner_texts() == list(files)
    card(page, "third.png").get_by_role("button", name="Move third.png left").click()
    expect(names.nth(1)).to_have_text("third.png")
    expect(page.get_by_role("button", name="Move third.png left")).to_be_focused()
    card(page, "second.txt").get_by_role("button", name="Remove").click()
    expect(names).to_have_text(["first, large.png", "third.png"])
    page.reload()
    settled(page)
    expect(names).to_have_text(["first, large.png", "third.png"])


def test_a_pasted_picture_is_attached_and_pasted_words_stay_words(app: Running, page: Page) -> None:
    shot = as_script({"image.png": ("image/png", made.png(120, 80))})
    assert page.evaluate(PASTE, [shot, "words of a table"]) is True
    assert page.evaluate(PASTE, [[], "only words"]) is True
    expect(page.locator(CARDS)).to_have_count(0)
    assert page.evaluate(PASTE, [shot, ""]) is False
    expect(card(page, "Pasted picture")).to_contain_text("120×80")
    settled(page)
    expect(page.locator(f"{CARDS} .name")).to_contain_text(".png")


def test_bad_files_say_what_is_wrong_and_the_others_go_on(app: Running, page: Page) -> None:
    pick(
        page,
        {
            "empty.png": b"",
            "really a text.png": b"These are plain words, whatever the name says.",
            "broken.jpg": made.jpeg(400, 300)[:900],
            "locked.pdf": made.locked_pdf(),
            "good.png": made.png(50, 40),
        },
    )
    expect(card(page, "empty.png")).to_contain_text("This file is empty.")
    expect(card(page, "locked.pdf")).to_contain_text("protected by a password")
    expect(card(page, "really a text.png")).to_contain_text("Text, 46 bytes")
    expect(card(page, "good.png")).to_contain_text("Picture, 50×40")
    expect(page.locator(f"{CARDS}.refused", has_text="empty.png")).to_have_count(1)
    expect(page.locator(STRIP)).to_contain_text("attachments ≈")
    ask(page, "Which of them arrived?")
    expect(last_message(page)).to_contain_text("50 × 40 pixels")
    expect(page.locator(CARDS)).to_have_count(0)


def test_a_file_that_is_too_large_is_refused_before_it_is_sent(app: Running, page: Page) -> None:
    page.evaluate("() => { window.parlourFiles.data = { ...window.parlourFiles.data, limit: 1000 } }")
    page.locator(".st-key-attach .pick").set_input_files([payload("large.bin", b"x" * 1001)])
    expect(card(page, "large.bin")).to_contain_text("This file is larger than 0 MB")
    page.get_by_role("button", name="Dismiss large.bin").click()
    expect(page.locator(CARDS)).to_have_count(0)


def test_names_and_texts_are_never_more_than_text(app: Running, page: Page) -> None:
    page.evaluate(DROP, [as_script({HOSTILE: ("text/plain", b"<script>document.title = 'owned'</script>")}), None])
    expect(page.locator(f"{CARDS} .sent")).to_have_text("Text, 41 bytes")
    expect(page.locator(f"{CARDS} .name")).to_contain_text("<img src=x onerror=alert(1)>")
    settled(page)
    ask(page, "Read it")
    files = page.locator('[class*="st-key-files-"]')
    expect(files.locator(".title")).to_contain_text("**b** :red[x]")
    files.locator("summary").click()
    expect(files.locator("pre")).to_have_text("<script>document.title = 'owned'</script>")
    assert page.title() != "owned"
    address = files.locator("summary").evaluate(
        "() => performance.getEntriesByType('resource').map((one) => one.name).findLast((one) => one.includes('/file/'))"
    )
    served = page.request.get(address)
    assert served.headers["content-type"] == "application/octet-stream"
    assert served.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in served.headers["content-security-policy"]
    assert served.headers["x-content-type-options"] == "nosniff"


def test_a_message_may_be_files_without_words(app: Running, page: Page) -> None:
    pick(page, {"alone.png": made.png(90, 30)})
    page.locator(COMPOSER).press("Enter")
    answered(page)
    expect(last_message(page)).to_contain_text("90 × 30 pixels")
    expect(page.locator(".st-key-conversations")).to_contain_text("alone.png")
    pick(page, {"button.png": made.png(31, 91)})
    page.get_by_role("button", name="Send without words").click()
    answered(page, 2)
    expect(last_message(page)).to_contain_text("31 × 91 pixels")


def test_a_model_that_takes_no_video_says_so_before_sending_and_others_are_offered(app: Running, page: Page) -> None:
    pick(page, {"clip.mp4": made.mp4(3)})
    shown = card(page, "clip.mp4")
    expect(shown).to_contain_text("takes no video through Chat Completions")
    say(page, "What happens here?")
    expect(page.locator(f"{STRIP} .warning")).to_contain_text("takes no video")
    expect(page.locator(COMPOSER)).to_have_value("What happens here?")
    expect(page.locator(MESSAGES)).to_have_count(0)
    shown.get_by_role("combobox", name="Send clip.mp4 as").select_option("frames:4")
    expect(shown).to_contain_text("Video of 0:03 as 4 pictures")
    expect(page.locator(f"{STRIP} .offers")).to_be_hidden()
    shown.get_by_role("combobox", name="Send clip.mp4 as").select_option("video")
    page.locator(f"{STRIP} .offers button", has_text="Gemini").first.click()
    expect(page.locator(".st-key-model-button")).to_contain_text("Gemini")
    expect(card(page, "clip.mp4")).not_to_contain_text("takes no video")
    expect(page.locator(COMPOSER)).to_have_value("What happens here?")
    page.locator(COMPOSER).press("Enter")
    answered(page)
    expect(last_message(page)).to_contain_text("320")
    video = page.locator('[class*="st-key-files-"] video')
    eventually(lambda: video.evaluate("player => player.readyState >= 1"), True)
    assert round(float(video.evaluate("player => player.duration"))) == 3


def test_an_offered_model_stays_chosen_although_another_one_was_picked_by_hand_before(app: Running, page: Page) -> None:
    choose_model(page, "Claude Opus 4.6")
    pick(page, {"clip.mp4": made.mp4(3)})
    say(page, "What happens here?")
    page.locator(f"{STRIP} .offers button", has_text="Gemini").first.click()
    expect(page.locator(".st-key-model-button")).to_contain_text("Gemini")
    page.locator(COMPOSER).press("Enter")
    answered(page)
    expect(last_message(page)).to_contain_text("320")
    expect(page.locator(".st-key-model-button")).to_contain_text("Gemini")


def test_a_chat_with_pictures_says_what_another_model_will_not_get(app: Running, page: Page) -> None:
    pick(page, {"seen.png": made.png(64, 48)})
    ask(page, "What is this?")
    choose_model(page, "GPT-5.4")
    body = page.get_by_test_id("stPopoverBody").filter(visible=True)
    if not body.count():
        page.locator(".st-key-model-button button").first.click()
    body.get_by_text("Messages", exact=True).click()
    settled(page)
    page.keyboard.press("Escape")
    expect(page.locator(".st-key-left-out")).to_contain_text("1 picture in this chat will not be sent to")
    expect(page.locator(".st-key-left-out")).to_contain_text("through Messages")
    ask(page, "And now?", answers=2)
    expect(last_message(page)).to_contain_text("1 picture or video of this chat was not sent")
    pick(page, {"one more.png": made.png(20, 20)})
    expect(card(page, "one more.png")).to_contain_text("GPT-5.4 takes no pictures through Messages.")
    expect(page.locator(f"{STRIP} .offers button").first).to_contain_text("GPT-5.4")
    expect(page.locator(f"{STRIP} .offers button").first).to_contain_text("through Chat Completions")
    expect(page.get_by_role("button", name="Send without words")).to_be_hidden()
    page.locator(".st-key-use-taker button").click()
    expect(card(page, "one more.png")).not_to_contain_text("takes no pictures")
    expect(page.locator(".st-key-left-out")).to_have_count(0)


def test_a_second_tab_shows_what_waits_and_a_queued_message_names_its_files(
    app: Running, page: Page, watch: Watch
) -> None:
    say(page, "n=1500 tps=120 first")
    chat = begun(page)
    growing(last_message(page), beyond=30)
    page.locator(".st-key-attach .pick").set_input_files([payload("later.png", made.png(33, 22))])
    expect(card(page, "later.png")).to_contain_text("Picture, 33×22")
    other = watch.new_page()
    other.goto(f"{app.url}/?chat={chat}")
    expect(card(other, "later.png")).to_contain_text("Picture, 33×22")
    other.close()
    say(page, "and this")
    expect(page.locator(".st-key-queue .card")).to_contain_text("1 picture")
    expect(page.locator(CARDS)).to_have_count(0)
    stop(page)
    page.locator(".st-key-queue").get_by_role("button", name="Send now").first.click()
    answered(page, 2)
    expect(last_message(page)).to_contain_text("33 × 22 pixels")


def test_a_temporary_chat_keeps_its_files_in_memory(app: Running, page: Page) -> None:
    counts = "SELECT (SELECT count(*) FROM blob) AS blobs, (SELECT count(*) FROM attachment) AS waiting"
    before = tuple(rows(app, counts)[0])
    page.get_by_text("Temporary", exact=True).click()
    page.wait_for_function("() => window.parlourFiles.data.place !== 'new'")
    settled(page)
    pick(page, {"secret.png": made.png(77, 11)})
    ask_temporary(page, "What is this?")
    expect(last_message(page)).to_contain_text("77 × 11 pixels")
    expect(page.locator(CARDS)).to_have_count(0)
    shown = page.locator('[class*="st-key-files-"] .thumb img')
    assert shown.evaluate("image => image.decode().then(() => image.naturalWidth)") == 77
    assert tuple(rows(app, counts)[0]) == before


def ask_temporary(page: Page, text: str) -> None:
    say(page, text)
    expect(page.locator('[class*="st-key-footer-"]')).to_have_count(1, timeout=30_000)
    settled(page)


def test_camera_and_microphone_are_asked_for_only_when_wanted(app: Running, page: Page) -> None:
    expect(page.get_by_test_id("stCameraInput")).to_have_count(0)
    button = page.locator(".st-key-attach .open")
    button.press("Enter")
    expect(page.get_by_role("menuitem", name="Files")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("stCameraInput")).to_be_visible()
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_test_id("stCameraInput")).to_have_count(0)


def test_nobody_else_gets_a_file(app: Running, page: Page) -> None:
    for path in ("/file/unknown/0", "/file/unknown/thumb", "/file/..%2f..%2fparlour.db/0"):
        assert page.request.get(app.url + path).status in (400, 404), path


def test_the_composer_with_files_is_accessible(
    app: Running, page: Page, tmp_path: Path, count: Callable[[int, int], int]
) -> None:
    pick(page, {"a.png": made.png(300, 200), "b.txt": b"words " * 50, "empty.txt": b"", "clip.mp4": made.mp4(2)})
    found: dict[str, Any] = in_every_look(page, "waiting", count(1, 2))
    page.screenshot(path=tmp_path / "waiting.png")
    card(page, "clip.mp4").get_by_role("button", name="Remove").click()
    expect(card(page, "clip.mp4")).to_have_count(0)
    settled(page)
    ask(page, "What are these?")
    found |= in_every_look(page, "sent", count(1, 2))
    page.screenshot(path=tmp_path / "sent.png")
    assert found == {}


def test_a_gateway_that_drops_the_video_is_noticed(app: Running, parlour: Callable[..., Parlour], page: Page) -> None:
    with EmbeddedGateway(speed=0, video_forms=("video_url",)) as gateway:
        own = parlour(OPENAI_BASE_URL=gateway.base_url, OPENAI_API_KEY=gateway.key.reveal())
        open_new_chat(page, own)
        choose_model(page, "Gemini 2.5 Flash")
        pick(page, {"unseen.mp4": made.mp4(8)})
        ask(page, "What happens here?")
        expect(last_message(page)).to_contain_text("it has probably ignored them")
        last_message(page).get_by_role("link", name="Open settings").click()
        expect(page.get_by_role("heading", name="Settings")).to_be_visible()


def test_a_request_that_was_too_large_can_be_sent_with_small_pictures(
    app: Running, parlour: Callable[..., Parlour], page: Page
) -> None:
    with EmbeddedGateway(speed=0, max_body=500_000) as gateway:
        own = parlour(OPENAI_BASE_URL=gateway.base_url, OPENAI_API_KEY=gateway.key.reveal())
        open_new_chat(page, own)
        pick(page, {"noise.png": noise(1200, 900)})
        ask(page, "What is this?")
        expect(last_message(page)).to_contain_text("The request is too large for the gateway.")
        page.get_by_role("button", name="Send it with small pictures").click()
        expect(last_message(page)).to_contain_text("768 × 576 pixels")


def noise(width: int, height: int) -> bytes:
    """A picture that does not become small by itself."""
    return made.saved(Image.effect_noise((width, height), 40).convert("RGB"), "PNG")
