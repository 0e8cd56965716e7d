"""Fuzz the loader: everything that is read of a topology, of what it includes, and of its `.env`."""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["reconciler"]):
    from fuzz.oracle import MAIN, check, files
    from reconciler.kinds import kinds

    kinds()  # all of them, now

from broken import EXAMPLES, JUNK, RICH
from hostile_table import CASES, furnish

from fuzz.found import FOUND
from reconciler.topology.schema import schema

SECONDS, BYTES = 2.0, 200 << 20
LENGTH = 4096
"""Bytes at most: what is made to cost much by its length stands in bombs.py."""
_HANGS = 30
_RIGHT = (RICH, *(each.read_text() for each in sorted(EXAMPLES.glob("*.yaml"))))
_WORDS = (
    "name",
    "<<",
    "&a",
    "*a",
    "!!str",
    "!a",
    "---",
    "%YAML 1.2",
    "|-",
    ">+",
    "${A:-b}",
    "${A:?b}",
    "$$",
    "$FIVE",
    "x-a",
)


def seeds() -> list[bytes]:
    """Return what to begin with: right files, and wrong ones of every sort."""
    hostile = ("".join(f"\n== {name}\n{text}" for name, text in each.files.items()) for each in CASES)
    whole = (text.removeprefix(f"\n== {MAIN}\n") for text in hostile)
    return [*FOUND, *(text.encode(errors="surrogatepass") for text in (*_RIGHT, *whole))]


def words() -> set[str]:
    """Return the language's own words: of the schema, and values that are almost right."""
    return {*_WORDS, *_of_schema(schema()), *(each for each in JUNK if isinstance(each, str) and each.isascii())}


def _of_schema(part: object) -> set[str]:
    if isinstance(part, list):
        return {word for each in part for word in _of_schema(each)} | {each for each in part if isinstance(each, str)}
    if isinstance(part, dict):
        return {word for each in part.values() for word in _of_schema(each)} | set(part.get("properties", ()))
    return set()


class Course:
    """One input after the other, each within its bounds."""

    def __init__(self) -> None:
        self.peak = _peak() + BYTES

    def __call__(self, data: bytes) -> None:
        """Try an input; what is raised here, the fuzzer takes for a finding."""
        began = time.process_time()
        check(files(data))
        took = time.process_time() - began
        assert took < SECONDS, f"took {took:.1f} s"
        assert _peak() < self.peak, "took too much memory"


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def _written(folder: Path) -> tuple[Path, Path]:
    """Write the seeds and the dictionary."""
    corpus, dictionary = folder / "corpus", folder / "words"
    corpus.mkdir()
    for number, each in enumerate(seeds()):
        (corpus / str(number)).write_bytes(each)
    escaped = (
        "".join(each if each.isalnum() else f"\\x{ord(each):02x}" for each in word) for word in sorted(words()) if word
    )
    dictionary.write_text("".join(f'"{each}"\n' for each in escaped))
    return corpus, dictionary


def main() -> None:
    """Fuzz until the time is up, or something is found, which is then written to the folder of findings."""
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="how long (default: 60)")
    parser.add_argument("--seed", type=int, default=1, help="what chance begins with (default: 1)")
    parser.add_argument("--findings", type=Path, default=Path(), help="where to write what was found (default: here)")
    parser.add_argument("again", nargs="*", type=Path, help="only try these files, which were found before")
    chosen = parser.parse_args()
    again, findings = [str(each.resolve()) for each in chosen.again], chosen.findings.resolve()
    with tempfile.TemporaryDirectory() as folder:
        corpus, dictionary = _written(Path(folder))
        place = Path(folder, "place")
        place.mkdir()
        furnish(place)
        os.chdir(place)
        options = {
            "max_total_time": chosen.seconds,
            "seed": chosen.seed,
            "max_len": LENGTH,
            "timeout": _HANGS,
            "rss_limit_mb": 0,
            "dict": dictionary,
            "artifact_prefix": f"{findings}/finding-",
            "print_final_stats": 1,
        }
        atheris.Setup(
            [sys.argv[0], *(f"-{name}={each}" for name, each in options.items()), *(again or [str(corpus)])], Course()
        )
        atheris.Fuzz()


if __name__ == "__main__":
    main()
