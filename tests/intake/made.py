"""Files made in code: pictures, clips, sound and documents as real programs write them, small and always the same."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from fractions import Fraction

import av
import pillow_heif
from PIL import Image, ImageDraw

pillow_heif.register_heif_opener()

CANARY = "KANARIENVOGEL-7731"
"""Stands in every note, title and comment: it must not stand in what we keep."""
LATITUDE, LONGITUDE = "+48.2082", "+016.3738"
PLACE = f"{LATITUDE}{LONGITUDE}/"


# --- pictures ---


def scene(width: int = 640, height: int = 480, mode: str = "RGB") -> Image.Image:
    """A red top left quarter, green top right, blue bottom left, the rest white: every turn of it is seen."""
    picture = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, width // 2, height // 2), fill=(220, 30, 30))
    draw.rectangle((width // 2, 0, width, height // 2), fill=(30, 160, 60))
    draw.rectangle((0, height // 2, width // 2, height), fill=(30, 60, 200))
    return picture.convert(mode)


def exif(orientation: int = 1) -> Image.Exif:
    """Exif with a place, a maker and the canary in every text."""
    data = Image.Exif()
    data[0x0112] = orientation
    data[0x010E] = CANARY
    data[0x010F] = CANARY
    data.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0" + CANARY.encode()
    place = data.get_ifd(0x8825)
    place.update({1: "N", 2: (48.0, 12.0, 29.52), 3: "E", 4: (16.0, 22.0, 25.68), 0x1D: "2026:05:04"})
    return data


def xmp() -> bytes:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description exif:GPSLatitude="48,12.492N" dc:title="{CANARY}"/></rdf:RDF></x:xmpmeta>'
    ).encode()


def saved(picture: Image.Image, format: str, **how: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format, **how)
    return buffer.getvalue()


def jpeg(width: int = 640, height: int = 480, **how: object) -> bytes:
    return saved(scene(width, height), "JPEG", **how)


def jpeg_with_gps(orientation: int = 1, width: int = 640, height: int = 480) -> bytes:
    """As a telephone writes it: Exif with a place, XMP, a comment; and a script behind the end of the picture."""
    data = jpeg(width, height, exif=exif(orientation), xmp=xmp(), comment=CANARY.encode())
    return data + f"<script>alert('{CANARY}')</script>".encode()


def png(width: int = 640, height: int = 480, mode: str = "RGB") -> bytes:
    return saved(scene(width, height, mode), "PNG")


def png_with_alpha(width: int = 640, height: int = 480) -> bytes:
    picture = scene(width, height, "RGBA")
    picture.putalpha(Image.linear_gradient("L").resize((width, height)))
    return saved(picture, "PNG")


def png_with_gps(orientation: int = 1) -> bytes:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("Comment", CANARY)
    info.add_itxt("XML:com.adobe.xmp", xmp().decode(), zip=True)
    return saved(scene(), "PNG", exif=exif(orientation), pnginfo=info)


def heic(width: int = 640, height: int = 480) -> bytes:
    return saved(scene(width, height), "HEIF", exif=exif(), xmp=xmp(), quality=80)


def avif(width: int = 640, height: int = 480) -> bytes:
    return saved(scene(width, height), "AVIF", exif=exif(), xmp=xmp(), speed=10)


def gif(n: int = 3, width: int = 320, height: int = 240) -> bytes:
    """`n` pictures; the first is the scene, the others are black and a little different each."""
    others = [Image.new("RGB", (width, height), (n_th % 200, 0, 0)) for n_th in range(1, n)]
    return saved(scene(width, height), "GIF", save_all=True, append_images=others, duration=100, comment=CANARY)


def png_of_size(width: int, height: int) -> bytes:
    """A black grey-scale picture of so many pixels in a few kilobytes, made without holding them."""
    packer = zlib.compressobj(9)
    row = bytes(width + 1)
    packed = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def chunk(name: bytes, data: bytes) -> bytes:
    """One piece of a PNG file with its length and checksum."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


# --- clips and sound ---


def moving(n: int, width: int, height: int) -> Image.Image:
    """The n-th picture of a clip: a bright bar that goes from left to right, so that no two are the same."""
    picture = Image.new("RGB", (width, height), (20, 20, 60))
    at = n * 7 % width
    ImageDraw.Draw(picture).rectangle((at, 0, at + width // 8, height), fill=(250, 200, 40))
    return picture


_FAST = {"libx264": {"preset": "ultrafast"}, "libvpx": {"deadline": "realtime", "cpu-used": "8"}}


def clip(
    format: str = "mp4",
    codec: str = "libx264",
    *,
    seconds: float = 3,
    size: tuple[int, int] = (320, 240),
    rate: int = 10,
    sound: str = "",
    metadata: dict[str, str] | None = None,
    turned: int = 0,
    options: dict[str, str] | None = None,
    bit_rate: int = 0,
    pixels: str = "yuv420p",
) -> bytes:
    """A clip of `seconds` in that container and codec, with a tone when `sound` names a codec for it."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=format, options=options or {}) as target:
        target.metadata.update(metadata or {})
        pictures = target.add_stream(codec, rate=rate)
        pictures.width, pictures.height, pictures.pix_fmt = *size, pixels
        if bit_rate:
            pictures.bit_rate = bit_rate
        if turned:
            pictures.set_display_rotation(turned)
        pictures.options = _FAST.get(codec, {})
        heard = target.add_stream(sound, rate=48_000, layout="mono") if sound else None
        for n in range(int(seconds * rate)):
            frame = av.VideoFrame.from_image(moving(n, *size))
            target.mux(pictures.encode(frame))
        target.mux(pictures.encode(None))
        if heard is not None:
            _tone(target, heard, seconds)
    return buffer.getvalue()


def _tone(target: av.container.OutputContainer, stream: av.AudioStream, seconds: float) -> None:
    rate, at, step = stream.rate, 0, stream.codec_context.frame_size or 1024
    shape = stream.format.name
    resampler = av.AudioResampler(format=shape, layout="mono", rate=rate)
    while at < seconds * rate:
        frame = av.AudioFrame(format="s16", layout="mono", samples=step)
        frame.planes[0].update(b"".join(struct.pack("<h", (at + n) * 37 % 8000 - 4000) for n in range(step)))
        frame.sample_rate, frame.pts, frame.time_base = rate, at, Fraction(1, rate)
        at += step
        for ready in resampler.resample(frame):
            target.mux(stream.encode(ready))
    target.mux(stream.encode(None))


def mp4(seconds: float = 3, size: tuple[int, int] = (320, 240), **how: object) -> bytes:
    return clip("mp4", "libx264", seconds=seconds, size=size, **how)


def mov_with_gps(seconds: float = 2) -> bytes:
    """As a telephone writes it: the place as QuickTime user data, a title and a maker."""
    told = {
        "location": PLACE,
        "title": CANARY,
        "comment": CANARY,
        "make": CANARY,
        "com.apple.quicktime.location.ISO6709": PLACE,
    }
    return clip(
        "mov", "libx264", seconds=seconds, sound="aac", metadata=told, options={"movflags": "use_metadata_tags"}
    )


def mp4_with_gps(seconds: float = 2) -> bytes:
    return mp4(seconds, metadata={"location": PLACE, "title": CANARY, "comment": CANARY})


def webm(seconds: float = 2, size: tuple[int, int] = (320, 240), **how: object) -> bytes:
    return clip("webm", "libvpx", seconds=seconds, size=size, bit_rate=400_000, **how)


def recording(format: str = "wav", codec: str = "pcm_s16le", seconds: float = 2) -> bytes:
    """A tone, and nothing to see."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=format) as target:
        target.metadata["title"] = CANARY
        _tone(target, target.add_stream(codec, rate=48_000, layout="mono"), seconds)
    return buffer.getvalue()


# --- documents ---


def pdf(
    pages: list[bytes], extra: dict[int, bytes] | None = None, *, box: str = "0 0 595 842", trailer: bytes = b""
) -> bytes:
    """A PDF whose pages have these contents. `extra` are further objects by number, from 1000 on; /F1 is Helvetica."""
    kids = " ".join(f"{10 + 2 * n} 0 R" for n in range(len(pages)))
    objects = {
        1: b"<</Type/Catalog/Pages 2 0 R>>",
        2: f"<</Type/Pages/Kids[{kids}]/Count {len(pages)}>>".encode(),
        3: b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        4: f"<</Title({CANARY})>>".encode(),
    }
    for n, content in enumerate(pages):
        resources = "/Font<</F1 3 0 R>>" + ("/XObject<</Im0 1000 0 R>>" if extra and 1000 in extra else "")
        page = f"<</Type/Page/Parent 2 0 R/MediaBox[{box}]/Resources<<{resources}>>/Contents {11 + 2 * n} 0 R>>"
        objects[10 + 2 * n] = page.encode()
        objects[11 + 2 * n] = b"<</Length %d>>stream\n%s\nendstream" % (len(content), content)
    objects.update(extra or {})
    out, places = bytearray(b"%PDF-1.7\n"), {}
    for number, body in objects.items():
        places[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 1\n0000000000 65535 f \n"
    for number, place in places.items():
        out += b"%d 1\n%010d 00000 n \n" % (number, place)
    size = max(objects) + 1
    out += b"trailer<</Size %d/Root 1 0 R/Info 4 0 R%s>>\nstartxref\n%d\n%%%%EOF\n" % (size, trailer, start)
    return bytes(out)


def page_of_text(*lines: str) -> bytes:
    shown = b" ".join(f"({line}) Tj 0 -16 Td".encode("latin-1") for line in lines)
    return b"BT /F1 12 Tf 40 780 Td " + shown + b" ET"


LONG_LINE = "The quick brown fox jumps over the lazy dog and runs on."


def pdf_with_text(n: int = 3) -> bytes:
    """Pages with more words than a scan would have; the second line of each names it."""
    return pdf([page_of_text(LONG_LINE, f"This is leaf number {page}.", *[LONG_LINE] * 4) for page in range(1, n + 1)])


def scanned_pdf(n: int = 3) -> bytes:
    """Pages that are pictures of writing, without a word in them."""
    picture = jpeg(800, 1100)
    image = b"<</Type/XObject/Subtype/Image/Width 800/Height 1100/ColorSpace/DeviceRGB/BitsPerComponent 8"
    image += b"/Filter/DCTDecode/Length %d>>stream\n%s\nendstream" % (len(picture), picture)
    return pdf([b"q 595 0 0 842 0 0 cm /Im0 Do Q"] * n, {1000: image})


def locked_pdf() -> bytes:
    """It says that it is encrypted with a password that nobody has."""
    lock = b"<</Filter/Standard/V 2/R 3/Length 128/P -4/O<%s>/U<%s>>>" % (b"ab" * 32, b"cd" * 32)
    return pdf([page_of_text("secret")], {1001: lock}, trailer=b"/Encrypt 1001 0 R/ID[<00><00>]")


def zipped(entries: dict[str, str | bytes], *, packed: bool = True) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as target:
        for name, content in entries.items():
            first = name == "mimetype"
            target.writestr(name, content, zipfile.ZIP_STORED if first else None)
    return buffer.getvalue()


CONTENT_TYPES = '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
WORD_SPACE = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def docx(*paragraphs: str, body: str = "", before: str = "") -> bytes:
    """A Word file with these paragraphs, or with `body` as it stands; `before` comes before the root element."""
    told = body or "".join(f"<w:p><w:r><w:t>{words}</w:t></w:r></w:p>" for words in paragraphs)
    document = (
        f'<?xml version="1.0" encoding="UTF-8"?>{before}<w:document {WORD_SPACE}><w:body>{told}</w:body></w:document>'
    )
    return zipped({"[Content_Types].xml": CONTENT_TYPES, "word/document.xml": document})


def pptx(*slides: str) -> bytes:
    space = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'
    told = {
        f"ppt/slides/slide{n}.xml": f"<p:sld {space}><p:txBody><a:p><a:r><a:t>{words}</a:t></a:r></a:p></p:txBody></p:sld>"
        for n, words in enumerate(slides, 1)
    }
    return zipped({"[Content_Types].xml": CONTENT_TYPES, **told})


OPEN_SPACES = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0"'
)


def open_document(kind: str, body: str) -> bytes:
    """An OpenDocument file; `kind` is text, spreadsheet or presentation, `body` its XML inside `office:body`."""
    content = f"<office:document-content {OPEN_SPACES}><office:body>{body}</office:body></office:document-content>"
    space = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"
    manifest = f'<m:manifest xmlns:m="{space}"><m:file-entry m:full-path="/" m:media-type=""/></m:manifest>'
    media_type = f"application/vnd.oasis.opendocument.{kind}"
    return zipped({"mimetype": media_type, "content.xml": content, "META-INF/manifest.xml": manifest})


def odt(*paragraphs: str) -> bytes:
    return open_document(
        "text", "<office:text>" + "".join(f"<text:p>{words}</text:p>" for words in paragraphs) + "</office:text>"
    )


SHEET_SPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def xlsx(
    sheets: dict[str, list[list[str | float]]] | None = None, *, hidden: tuple[str, ...] = (), cells: str = ""
) -> bytes:
    """A workbook with these sheets; `cells` replaces the rows of all of them by XML as it stands."""
    sheets = sheets if sheets is not None else {"Prices": [["model", "price"], ["small", 1.5], ["large", 12]]}
    listed = "".join(
        f'<sheet name="{name}" sheetId="{n}" r:id="rId{n}"{" state=" + chr(34) + "hidden" + chr(34) if name in hidden else ""}/>'
        for n, name in enumerate(sheets, 1)
    )
    related = "".join(
        f'<Relationship Id="rId{n}" Type="{RELATIONS}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in range(1, len(sheets) + 1)
    )
    entries = {
        "[Content_Types].xml": CONTENT_TYPES,
        "xl/workbook.xml": f'<workbook xmlns="{SHEET_SPACE}" xmlns:r="{RELATIONS}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{related}</Relationships>',
    }
    root = f'<Relationship Id="rId1" Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/>'
    entries["_rels/.rels"] = (
        f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{root}</Relationships>'
    )
    for n, rows in enumerate(sheets.values(), 1):
        told = cells or "".join(f"<row>{''.join(map(_cell, row))}</row>" for row in rows)
        entries[f"xl/worksheets/sheet{n}.xml"] = (
            f'<worksheet xmlns="{SHEET_SPACE}"><sheetData>{told}</sheetData></worksheet>'
        )
    return zipped(entries)


def _cell(value: str | float) -> str:
    if isinstance(value, str):
        return f'<c t="inlineStr"><is><t>{value}</t></is></c>'
    return f"<c><v>{value}</v></c>"


def rtf(words: str = "Grüße aus Wien") -> bytes:
    told = "".join(letter if letter.isascii() else f"\\u{ord(letter)}?" for letter in words)
    return (
        r"{\rtf1\ansi{\fonttbl{\f0 Helvetica;}}{\*\generator " + CANARY + r";}\f0 " + told + r"\par next line}"
    ).encode()
