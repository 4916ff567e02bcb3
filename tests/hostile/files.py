"""Files that act when a browser opens them, and files that are two things at once: (name, type it claims, bytes).

Each of them tells `__hit(n)` with its place in the list.
"""

from __future__ import annotations

from typing import NamedTuple

from tests.hostile.filled import PIXEL


class Active(NamedTuple):
    name: str
    media_type: str
    data: bytes


_SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"{}>{}</svg>'
_HTML = "<!doctype html><title>x</title><script>@</script><img src=x onerror=@><iframe srcdoc='<script>@</script>'></iframe>"
_XHTML = '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><body><script>@</script></body></html>'
_PDF = "%PDF-1.4\n1 0 obj<</Type/Catalog/OpenAction<</S/JavaScript/JS(@;app.alert\\(1\\))>>/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\ntrailer<</Root 1 0 R>>\n"
_MHTML = 'MIME-Version: 1.0\nContent-Type: multipart/related; boundary="b"\n\n--b\nContent-Type: text/html\n\n<script>@</script>\n--b--\n'
_XSL = "<?xml version=\"1.0\"?><?xml-stylesheet type=\"text/xsl\" href=\"data:text/xsl,%3Cxsl:stylesheet xmlns:xsl='http://www.w3.org/1999/XSL/Transform' version='1.0'%3E%3Cxsl:template match='/'%3E%3Cscript%3E@%3C/script%3E%3C/xsl:template%3E%3C/xsl:stylesheet%3E\"?><x/>"
_PNG = PIXEL.decode("latin-1")

_MADE = (
    ("page.html", "text/html", _HTML), ("page.htm", "text/html; charset=utf-7", "+ADw-script+AD4-@+ADw-/script+AD4-"), ("page.xhtml", "application/xhtml+xml", _XHTML),
    ("page.xml", "text/xml", _XHTML), ("page.xml", "application/xml", _XHTML), ("style.xml", "application/xml", _XSL), ("feed.rss", "application/rss+xml", _XHTML),
    ("a.svg", "image/svg+xml", _SVG.format("", "<script>@</script>")), ("b.svg", "image/svg+xml", _SVG.format(' onload="@"', "")), ("c.svg", "image/svg+xml", _SVG.format("", '<foreignObject><body xmlns="http://www.w3.org/1999/xhtml"><script>@</script></body></foreignObject>')),
    ("d.svgz", "image/svg+xml", _SVG.format("", '<a xlink:href="javascript:@"><rect width="99" height="99"/></a><animate onbegin="@" attributeName="x" dur="1s"/>')), ("e.svg", "IMAGE/SVG+XML ", _SVG.format("", "<script>@</script>")), ("f.svg", "text/xml-svg", _SVG.format("", "<script>@</script>")),
    ("a.pdf", "application/pdf", _PDF), ("b.pdf", "application/pdf", _PDF + _HTML), ("a.mht", "multipart/related", _MHTML), ("b.mhtml", "message/rfc822", _MHTML), ("a.js", "text/javascript", "@"), ("b.js", "application/javascript", "@"),
    ("a.gif", "image/gif", "GIF89a/*" + "\0" * 8 + "*/=1;@//" + _HTML), ("b.gif", "image/gif", "GIF89a" + _HTML), ("a.png", "image/png", _PNG + _HTML), ("b.png", "image/png", _HTML), ("c.png", "image/svg+xml", _PNG + _SVG.format("", "<script>@</script>")),
    ("a.jpg", "image/jpeg", "\xff\xd8\xff\xe0" + _HTML), ("b.jpg", "image/jpeg", _SVG.format(' onload="@"', "")), ("a.webp", "image/webp", "RIFF\x10\0\0\0WEBPVP8 " + _HTML), ("a.bmp", "image/bmp", "BM" + _HTML), ("a.ico", "image/x-icon", _HTML), ("a.mp4", "video/mp4", "\0\0\0\x18ftypmp42" + _HTML), ("b.mp4", "video/mp4", _HTML), ("a.webm", "video/webm", _SVG.format(' onload="@"', "")),
    ("a.mp3", "audio/mpeg", "ID3" + _HTML), ("a.wav", "audio/wav", _HTML), ("a.swf", "application/x-shockwave-flash", "FWS\x06" + _HTML), ("a.txt", "text/plain", _HTML), ("a.csv", "text/csv", _HTML), ("a.json", "application/json", _HTML), ("a.md", "text/markdown", _HTML), ("a.css", "text/css", "*{x:expression(@)}" + _HTML), ("a.hta", "application/hta", _HTML), ("a.vtt", "text/vtt", "WEBVTT\n\n00:00.000 --> 00:09.000\n<script>@</script>" + _HTML),
    ("nothing", "", _HTML), ("odd", "x/y", _HTML), ("unknown", "unknown/unknown", _HTML), ("all", "*/*", _HTML), ("two.html.png", "text/html, image/png", _HTML), ("two.png", "image/png, text/html", _HTML), ("line.png", "image/png\ttext/html", _HTML), ("a.zip", "application/zip", "PK\x03\x04" + _HTML), ("a.bin", "application/octet-stream", _HTML), ("a.wasm", "application/wasm", "\0asm" + _HTML), ("a.manifest", "text/cache-manifest", "CACHE MANIFEST\n" + _HTML), ("a.eml", "message/rfc822", "Content-Type: text/html\n\n" + _HTML),
)  # fmt: skip
FILES: tuple[Active, ...] = tuple(
    Active(name, kind, text.replace("@", f"__hit({n})").encode("latin-1")) for n, (name, kind, text) in enumerate(_MADE)
)
