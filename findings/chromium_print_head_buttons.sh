#!/bin/sh
# Chromium 156: where a table breaks over pages in print, its head is repeated on each, but a
# <button> or <input type=button> in the head is drawn on the first page only. Links, inline blocks
# and <summary> are repeated, and so is a <button> with display: contents. So a table whose columns
# are sorted by buttons in the head loses their names on paper from page 2 on, without a sign of it.
#
# Seen with Chromium 156.0.8078.108 (Debian 12's package, which is the one thing that is not installed
# here), read with pypdf 7.1.1 on CPython 3.11:
SEEN='a: on 4 of 4 pages
button: on 1 of 4 pages
contents: on 4 of 4 pages
inline-block: on 4 of 4 pages
input: on 1 of 4 pages
summary: on 4 of 4 pages
text: on 4 of 4 pages'
set -eu
chromium=$(command -v chromium) || { echo "needs Chromium: apt-get install chromium" >&2; exit 1; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" --disable-pip-version-check install --quiet pypdf==7.1.1
cat > "$folder/heads.py" <<'EOF'
import subprocess
import sys
from pathlib import Path

from pypdf import PdfReader

chromium, folder = sys.argv[1], Path(sys.argv[2])
HEADS = {
    "a": '<a href="#x">HEADWORD</a>',
    "button": "<button>HEADWORD</button>",
    "contents": '<button style="display: contents">HEADWORD</button>',
    "inline-block": '<span style="display: inline-block">HEADWORD</span>',
    "input": '<input type="button" value="HEADWORD">',
    "summary": "<details><summary>HEADWORD</summary></details>",
    "text": "HEADWORD",
}
rows = "".join(f"<tr><td>{number}</td></tr>" for number in range(150))
for name, head in HEADS.items():
    page, paper = folder / f"{name}.html", folder / f"{name}.pdf"
    page.write_text(
        "<!doctype html><title>t</title>"
        f"<table><thead><tr><th>{head}</th></tr></thead><tbody>{rows}</tbody></table>"
    )
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
    subprocess.run(
        [chromium, *options, f"--print-to-pdf={paper}", page.as_uri()],
        check=True,
        capture_output=True,
        timeout=120,
    )
    pages = PdfReader(paper).pages
    found = sum("HEADWORD" in page.extract_text() for page in pages)
    print(f"{name}: on {found} of {len(pages)} pages")
EOF
found=$("$folder/venv/bin/python" "$folder/heads.py" "$chromium" "$folder")
echo "$found"
[ "$found" = "$SEEN" ]
