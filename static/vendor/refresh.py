#!/usr/bin/env python3
"""Fetch the vendored browser files of this folder anew (make vendor), or check them offline (--check).

The packages come through npm, at exact versions, and are accepted only with the sha512 written here.
"""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHECKSUMS = HERE / "CHECKSUMS.txt"
OWN_FILES = {"refresh.py", "CHECKSUMS.txt"}
HEADER = "# Written by refresh.py: file, npm package, version, licence, sha256"

ICONS = """
    arrow-down arrow-up ban book-open brush-cleaning calendar-clock chart-column check chevron-down
    chevron-left chevron-right circle-check clock contact copy ellipsis external-link
    file-chart-column gauge info key-round layout-dashboard life-buoy link-2 lock log-out mail menu
    monitor moon network pause pencil play plus rotate-cw scroll-text search settings shield sun
    trash-2 triangle-alert user user-plus users workflow x
""".split()


@dataclass(frozen=True)
class Package:
    name: str
    version: str
    licence: str
    sha512: str  # of the tarball, base64 as npm writes it
    files: dict[str, str]  # name here -> path in the package; "icons" is turned into a sprite


PACKAGES = [
    Package(
        "htmx.org",
        "4.0.1",
        "0BSD",
        "oF7JgXhDW9UXCy/k1ZYFUQgzu/rm19ORWPSPNL91vPluB2PB9+MV55tyQdH/w7o2EAbTYUG5SDW1R60mdkdqGg==",
        {"htmx.min.js": "dist/htmx.min.js", "htmx.LICENSE": "LICENSE"},
    ),
    Package(
        "@fontsource-variable/geist",
        "5.3.0",
        "OFL-1.1",
        "j0m+vLQuG5XAYoHtGCVu0spvlGreR3EzpECUVzkFmI1mTVnAO38l/NEPDCFgZ177JxzYJCLSmTQibIiYPilGrA==",
        {
            "geist-latin-wght-normal.woff2": "files/geist-latin-wght-normal.woff2",
            "geist.OFL.txt": "LICENSE",
        },
    ),
    Package(
        "@fontsource-variable/geist-mono",
        "5.3.0",
        "OFL-1.1",
        "vBbuwDEo9AkrqADMXOrlAR3DFcJi4/JxeuU43FoiQERnNwsfXNnvxvReZG02cQKmyk4DZkZdBZX3oTDvy2zBAw==",
        {
            "geist-mono-latin-wght-normal.woff2": "files/geist-mono-latin-wght-normal.woff2",
            "geist-mono.OFL.txt": "LICENSE",
        },
    ),
    Package(
        "lucide-static",
        "1.62.0",
        "ISC",
        "WBZA/m2PvkFpMGHDtsBck5P2A9G4ehLlYu4GwwICcmEm1BvYVgj00lCDxKRWLlbMlOibLaiwdQ88G5pHkSWgwA==",
        {"lucide.svg": "icons", "lucide.LICENSE": "LICENSE"},
    ),
]


def main() -> int:
    if sys.argv[1:] == ["--check"]:
        problems = check()
        print("\n".join(problems) or "The vendored files are as recorded.")
        return 1 if problems else 0
    if sys.argv[1:]:
        print("usage: refresh.py [--check]", file=sys.stderr)
        return 2
    refresh()
    return 0


def refresh() -> None:
    rows = [HEADER]
    for package in PACKAGES:
        with tempfile.TemporaryDirectory() as folder, tarfile.open(pack(package, Path(folder))) as tarball:
            for name, path in package.files.items():
                content = sprite(tarball) if path == "icons" else member(tarball, path)
                (HERE / name).write_bytes(content)
                rows.append(row(name, package, content))
    CHECKSUMS.write_text("\n".join(rows) + "\n", encoding="utf-8")


def pack(package: Package, folder: Path) -> Path:
    """Download a package's tarball into the folder and return it once its sha512 is the expected one."""
    command = ["npm", "pack", "--silent", "--ignore-scripts", f"{package.name}@{package.version}"]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    [tarball] = folder.glob("*.tgz")
    found = base64.b64encode(hashlib.sha512(tarball.read_bytes()).digest()).decode()
    if found != package.sha512:
        raise SystemExit(f"{package.name} {package.version}: sha512 is {found}, not the expected one")
    return tarball


def member(tarball: tarfile.TarFile, path: str) -> bytes:
    file = tarball.extractfile(f"package/{path}")
    if file is None:
        raise SystemExit(f"{path} is not a file")
    return file.read()


def sprite(tarball: tarfile.TarFile) -> bytes:
    """One hidden <svg> with a <symbol> for each icon; the page's CSS gives fill, stroke and line width."""
    symbols = []
    for icon in ICONS:
        svg = member(tarball, f"icons/{icon}.svg").decode()
        [shapes] = re.findall(r"<svg[^>]*>(.*)</svg>", svg, re.DOTALL)
        shapes = re.sub(r"\s*\n\s*", "", shapes).replace(" />", "/>")
        symbols.append(f'<symbol id="i-{icon}" viewBox="0 0 24 24">{shapes}</symbol>')
    start = '<svg xmlns="http://www.w3.org/2000/svg" width="0" height="0" hidden="" aria-hidden="true">'
    return "\n".join([start, *symbols, "</svg>", ""]).encode()


def row(name: str, package: Package, content: bytes) -> str:
    return " ".join([name, package.name, package.version, package.licence, hashlib.sha256(content).hexdigest()])


def check() -> list[str]:
    """Compare the files of this folder with CHECKSUMS.txt and that with the table above."""
    problems = []
    rows = [HEADER]
    for package in PACKAGES:
        for name in package.files:
            file = HERE / name
            if file.exists():
                rows.append(row(name, package, file.read_bytes()))
            else:
                problems.append(f"{name} is missing")
    recorded = CHECKSUMS.read_text(encoding="utf-8").splitlines() if CHECKSUMS.exists() else []
    problems += [f"not as recorded: {line}" for line in rows if line not in recorded]
    problems += [f"recorded, but not there: {line}" for line in recorded if line not in rows]
    known = OWN_FILES.union(*(package.files for package in PACKAGES))
    problems += [
        f"{path.name} is not a vendored file"
        for path in sorted(HERE.iterdir())
        if path.is_file() and path.name not in known
    ]
    return problems


if __name__ == "__main__":
    sys.exit(main())
