"""Refresh the JavaScript libraries that the page ships: `python scripts/vendor.py`.

Takes exact versions from the npm registry (needs `npm`), keeps the one module of each that the page
uses, points their bare imports at the neighbouring file (an import map would be an inline script,
which the page's content policy forbids), and writes HASHES.json, which a test and a reader compare
with what is there. Run it after changing a version below, and look at the difference.
"""

import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

VENDOR = Path(__file__).resolve().parents[1] / "bot" / "gateway" / "static" / "vendor"
LOCK = VENDOR / "HASHES.json"


@dataclass(frozen=True)
class Package:
    """What is taken from one package: `files` maps names inside it to names here."""

    name: str
    version: str
    license: str
    files: dict[str, str]


# Languages whose code is coloured; each is a file of its own, loaded when it is first met.
LANGUAGES = (
    *("bash", "cpp", "css", "diff", "go", "ini", "java", "javascript", "json", "markdown"),
    *("python", "rust", "sql", "typescript", "xml", "yaml"),
)
PACKAGES = (
    Package(
        *("preact", "11.2.0", "MIT"),
        {
            "dist/preact.mjs": "preact.js",
            "hooks/dist/hooks.mjs": "preact-hooks.js",
            "LICENSE": "licenses/preact.txt",
        },
    ),
    Package(
        *("@preact/signals-core", "1.14.5", "MIT"),
        {"dist/signals-core.mjs": "signals-core.js", "LICENSE": "licenses/signals-core.txt"},
    ),
    Package(
        *("@preact/signals", "2.11.4", "MIT"),
        {"dist/signals.mjs": "signals.js", "LICENSE": "licenses/signals.txt"},
    ),
    Package(
        *("htm", "3.1.1", "Apache-2.0"),
        {"dist/htm.mjs": "htm.js", "LICENSE": "licenses/htm.txt"},
    ),
    Package(
        *("marked", "18.2.1", "MIT"),
        {"lib/marked.esm.js": "marked.js", "LICENSE": "licenses/marked.txt"},
    ),
    Package(
        *("dompurify", "3.4.18", "Apache-2.0"),  # offered under MPL-2.0 or Apache-2.0
        {"dist/purify.es.mjs": "purify.js", "LICENSE": "licenses/dompurify.txt"},
    ),
    Package(
        *("uplot", "1.6.32", "MIT"),
        {"dist/uPlot.esm.js": "uplot.js", "LICENSE": "licenses/uplot.txt"},
    ),
    Package(
        *("@highlightjs/cdn-assets", "11.11.1", "BSD-3-Clause"),
        {
            "es/core.min.js": "highlight.js",
            "LICENSE": "licenses/highlight.txt",
            **{f"es/languages/{name}.min.js": f"highlight/{name}.js" for name in LANGUAGES},
        },
    ),
)
# Every bare import that occurs, and where it leads here.
IMPORTS = {
    "preact": "./preact.js",
    "preact/hooks": "./preact-hooks.js",
    "@preact/signals-core": "./signals-core.js",
}
_FROM = re.compile(r"""(\bfrom\s*|\bimport\s*)(["'])([@\w][@\w./-]*)\2""")
_SOURCE_MAP = re.compile(r"\n?//# sourceMappingURL=\S+\s*\Z")


def rewritten(code: str) -> str:
    """A module whose imports are files beside it. Raises KeyError for an unknown one."""
    head = _SOURCE_MAP.sub("\n", code)
    return _FROM.sub(lambda found: f'{found[1]}"{IMPORTS[found[3]]}"', head)


def fetch(package: Package, folder: Path) -> tuple[str, Path]:
    """The registry's integrity string of a package, and its archive."""
    command = ["npm", "pack", "--json", f"{package.name}@{package.version}"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    [told] = answer if isinstance(answer, list) else answer.values()
    return told["integrity"], folder / told["filename"].lstrip("@").replace("/", "-")


def unpack(archive: Path, package: Package) -> dict[str, str]:
    """Write the files that are used; their hashes by name."""
    hashes = {}
    with tarfile.open(archive) as tar:
        for inside, name in package.files.items():
            member = tar.extractfile(f"package/{inside}")
            assert member is not None, f"{package.name} has no {inside}"
            text = member.read().decode("utf-8").replace("\r\n", "\n")
            text = rewritten(text) if name.endswith(".js") else text
            target = VENDOR / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, "utf-8")
            hashes[name] = hashlib.sha256(text.encode()).hexdigest()
    return hashes


def main() -> None:
    known = json.loads(LOCK.read_text("utf-8"))["packages"] if LOCK.exists() else {}
    packages = {}
    with tempfile.TemporaryDirectory() as folder:
        for package in PACKAGES:
            integrity, archive = fetch(package, Path(folder))
            before = known.get(package.name, {})
            if before.get("version") == package.version and before["integrity"] != integrity:
                sys.exit(f"{package.name} {package.version} has changed since; look why")
            packages[package.name] = {
                "version": package.version,
                "license": package.license,
                "integrity": integrity,
                "files": unpack(archive, package),
            }
    LOCK.write_text(json.dumps({"packages": packages}, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
