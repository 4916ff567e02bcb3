"""Pictures: upright, in sRGB, in the sizes that make sense, as PNG only where that is worth it."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageCms

from lib.attachments import Attachment
from lib.intake import Limits
from lib.messages import ImagePart
from tests.intake import made
from tests.intake.conftest import Taken

RED, GREEN, BLUE, WHITE = (220, 30, 30), (30, 160, 60), (30, 60, 200), (255, 255, 255)


def part(attachment: Attachment, form: str | None = None) -> ImagePart:
    chosen = next(each for each in attachment.forms if form is None or each.name == form)
    (only,) = chosen.parts
    assert isinstance(only, ImagePart)
    return only


def shown(image: ImagePart) -> Image.Image:
    opened = Image.open(io.BytesIO(image.data))
    assert opened.size == (image.width, image.height)
    assert len(image.data) == image.size
    return opened


def corners(picture: Image.Image) -> list[tuple[int, ...]]:
    """Colours in the middle of the four quarters, row by row."""
    width, height = picture.size
    return [
        picture.convert("RGB").getpixel((int(width * x), int(height * y))) for y in (0.25, 0.75) for x in (0.25, 0.75)
    ]


def is_close(found: list[tuple[int, ...]], wanted: list[tuple[int, ...]], by: int = 24) -> bool:
    return all(
        abs(a - b) <= by for one, other in zip(found, wanted, strict=True) for a, b in zip(one, other, strict=True)
    )


def test_a_photo_comes_in_three_sizes(taken: Taken) -> None:
    attachment = taken(made.jpeg(3000, 2000), "photo.jpg")
    assert [(form.name, form.parts[0].width, form.parts[0].height) for form in attachment.forms] == [
        ("original", 3000, 2000),
        ("standard", 1568, 1045),
        ("small", 768, 512),
    ]
    assert (attachment.chosen, attachment.width, attachment.height) == ("standard", 3000, 2000)
    assert attachment.thumb is not None
    assert shown(attachment.thumb).size == (256, 171)
    assert [form.parts[0].media_type for form in attachment.forms] == ["image/jpeg"] * 3


@pytest.mark.parametrize(("edge", "names"), [(700, ["original"]), (1200, ["original", "small"])])
def test_no_form_is_a_copy_of_another(taken: Taken, edge: int, names: list[str]) -> None:
    attachment = taken(made.jpeg(edge, edge // 2))
    assert [form.name for form in attachment.forms] == names
    assert attachment.chosen == "original"


Turn = Image.Transpose
SPOILS = {
    2: Turn.FLIP_LEFT_RIGHT,
    3: Turn.ROTATE_180,
    4: Turn.FLIP_TOP_BOTTOM,
    5: Turn.TRANSPOSE,
    6: Turn.ROTATE_90,
    7: Turn.TRANSVERSE,
    8: Turn.ROTATE_270,
}
"""How a picture has to be turned so that the tag with this value puts it right."""


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_ends_upright(taken: Taken, orientation: int) -> None:
    spoil = SPOILS.get(orientation)
    picture = made.scene()
    if spoil is not None:
        picture = picture.transpose(spoil)
    attachment = taken(made.saved(picture, "JPEG", exif=made.exif(orientation), quality=95))
    assert (attachment.width, attachment.height) == (640, 480)
    assert is_close(corners(shown(part(attachment))), [RED, GREEN, BLUE, WHITE])


@pytest.mark.parametrize(
    ("format", "media_type"),
    [
        ("PNG", "image/png"),
        ("WEBP", "image/webp"),
        ("GIF", "image/gif"),
        ("HEIF", "image/heic"),
        ("AVIF", "image/avif"),
        ("TIFF", "image/tiff"),
        ("BMP", "image/bmp"),
        ("JPEG", "image/jpeg"),
    ],
)
def test_each_format_is_read_under_any_name(taken: Taken, format: str, media_type: str) -> None:
    attachment = taken(made.saved(made.scene(), format), "anything.txt")
    assert (attachment.kind, attachment.media_type, attachment.problem) == ("image", media_type, None)
    assert is_close(corners(shown(part(attachment))), [RED, GREEN, BLUE, WHITE])


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK", "I;16", "LA", "YCbCr", "F"])
def test_other_kinds_of_pixels_become_plain_ones(taken: Taken, mode: str) -> None:
    if mode == "I;16":
        picture = Image.new("I;16", (64, 64), 40_000)
    elif mode == "F":
        picture = made.scene(mode="L").convert("F")
    else:
        picture = made.scene(mode=mode)
    format = "JPEG" if mode in ("CMYK", "YCbCr") else "TIFF" if mode == "F" else "PNG"
    opened = shown(part(taken(made.saved(picture, format))))
    assert opened.mode in ("RGB", "L")
    if mode == "I;16":
        assert opened.convert("L").getpixel((3, 3)) == 40_000 // 256
    if mode == "CMYK":
        assert is_close(corners(opened), [RED, GREEN, BLUE, WHITE], by=40)


def test_transparency_stays_and_only_where_there_is_some(taken: Taken) -> None:
    clear, full = taken(made.png_with_alpha(2000, 1000)), taken(made.png(mode="RGBA"))
    assert {form.parts[0].media_type for form in clear.forms} == {"image/png"}
    assert shown(part(clear, "standard")).mode == "RGBA"
    assert clear.thumb is not None and shown(clear.thumb).mode == "RGBA"
    assert shown(part(full)).mode == "RGB"


def test_a_drawing_stays_sharp_and_a_photo_in_a_png_does_not_stay_large(taken: Taken) -> None:
    noise = Image.effect_noise((1200, 900), 80).convert("RGB")
    assert part(taken(made.png())).media_type == "image/png"
    assert part(taken(made.saved(noise, "PNG"))).media_type == "image/jpeg"


def test_of_a_moving_picture_the_first_is_taken_and_said_so(taken: Taken) -> None:
    attachment = taken(made.gif(5))
    assert attachment.forms[0].note == "first_frame"
    assert is_close(corners(shown(part(attachment))), [RED, GREEN, BLUE, WHITE])


def test_a_tall_picture_keeps_its_proportions_and_is_called_so(taken: Taken) -> None:
    attachment = taken(made.jpeg(900, 6000))
    assert attachment.forms[0].note == "tall"
    assert shown(part(attachment, "standard")).size == (235, 1568)


def test_a_thread_of_a_picture_keeps_one_pixel(taken: Taken) -> None:
    attachment = taken(made.png_of_size(9000, 2))
    assert [(form.parts[0].width, form.parts[0].height) for form in attachment.forms] == [
        (8000, 2),
        (1568, 1),
        (768, 1),
    ]


def test_colours_of_another_profile_are_brought_to_srgb(taken: Taken) -> None:
    """A profile in which every reader sees other colours than the bare numbers say."""
    spoiled = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, blue = spoiled.index(b"rXYZ"), spoiled.index(b"bXYZ")
    spoiled[red : red + 4], spoiled[blue : blue + 4] = b"bXYZ", b"rXYZ"
    attachment = taken(made.jpeg(icc_profile=bytes(spoiled), quality=95))
    seen = corners(shown(part(attachment)))
    assert seen[0][2] > seen[0][0], "red and blue change places in that profile"
    assert "icc_profile" not in shown(part(attachment)).info


def test_what_is_too_large_is_refused_by_its_header(taken: Taken) -> None:
    assert taken(made.png_of_size(7000, 6000)).problem == "too_many_pixels"
    assert taken(made.jpeg(), limits=Limits(picture_bytes=1000)).problem == "too_large"


def test_forty_megapixels_upside_down_fit_into_the_room(taken: Taken) -> None:
    attachment = taken(made.saved(Image.new("RGB", (7300, 5400), (9, 90, 200)), "JPEG", exif=made.exif(6)))
    assert attachment.problem is None
    assert (attachment.width, attachment.height) == (5400, 7300)
