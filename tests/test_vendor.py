"""Files of others are what they were when they were looked at."""

import hashlib
import subprocess
import sys
from pathlib import Path

VENDOR = Path(__file__).parent.parent / "static" / "vendor"


def listed() -> dict[str, str]:
    lines = (VENDOR / "CHECKSUMS.txt").read_text().splitlines()
    return {line.split()[0]: line.split()[-1] for line in lines if line and not line.startswith("#")}


def test_each_vendored_file_has_its_checksum() -> None:
    for name, checksum in listed().items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == checksum, name


def test_no_vendored_file_is_unlisted() -> None:
    own = {"CHECKSUMS.txt", "refresh.py"}
    assert {path.name for path in VENDOR.iterdir() if path.is_file()} - own == set(listed())


def test_each_vendored_package_has_its_licence() -> None:
    packages = [line.split()[1] for line in (VENDOR / "CHECKSUMS.txt").read_text().splitlines()[1:]]
    licences = [name for name in listed() if name.endswith((".LICENSE", ".OFL.txt"))]
    assert len(licences) == len(set(packages))


def test_the_check_of_make_vendor_agrees() -> None:
    assert subprocess.run([sys.executable, VENDOR / "refresh.py", "--check"]).returncode == 0
