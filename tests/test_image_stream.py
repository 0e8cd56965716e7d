"""What the engine tells while it makes an image, and what is in a saved archive."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import StepFailed
from reconciler.kinds.image.archive import Archive, read_archive
from reconciler.kinds.image.stream import Built, lines, messages

OUTPUT = """\
Step 1/4 : FROM busybox AS one
 ---> 1111111111111111
Step 2/4 : RUN echo
 ---> Using cache
 ---> 222222222222
Step 3/4 : run echo more
 ---> Running in 9999999999999
Removing intermediate container 9999999999999
 ---> 333333333333
Step 4/4 : USER 5
 ---> Running in 8888888888888
 ---> 444444444444
Successfully built 444444444444
"""


def test_a_build_tells_of_each_step_whether_it_was_in_its_cache() -> None:
    built = Built()
    found = [(made, built.cached) for line in OUTPUT.splitlines() if (made := built.read(line))]
    assert found == [("222222222222", True), ("333333333333", False), ("444444444444", False)]
    assert built.whole == "444444444444"


def test_the_lines_of_a_stream_are_those_that_say_something() -> None:
    stream: list[dict[str, Any]] = [
        {"stream": "one\n\n  two  \n"},
        {"status": "three"},
        {"aux": {"ID": "x"}},
        {"stream": None},
    ]
    assert list(lines(stream)) == ["one", "  two  ", "three"]


def test_an_error_is_told_with_the_last_lines_before_it() -> None:
    stream = [{"stream": f"line {number}"} for number in range(20)]
    with pytest.raises(StepFailed) as raised:
        list(lines([*stream, {"error": "it broke\n"}, {"stream": "never read"}]))
    assert str(raised.value).splitlines() == ["it broke", *(f"  line {number}" for number in range(8, 20))]


def test_an_answer_is_json_texts_one_after_the_other() -> None:
    assert list(messages('{"status": "a"}\r\n{"status": "b"} {"error": "c"}\n')) == [
        {"status": "a"},
        {"status": "b"},
        {"error": "c"},
    ]
    assert list(messages("")) == []


def archive(folder: Path, **files: Any) -> Path:
    """Write an archive; a file whose content is None is a folder."""
    path = folder / "saved.tar"
    with tarfile.open(path, "w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"{name}.json")
            data = json.dumps(content).encode()
            entry.type, entry.size = (tarfile.DIRTYPE, 0) if content is None else (tarfile.REGTYPE, len(data))
            tar.addfile(entry, io.BytesIO(data) if content is not None else None)
    return path


ONE = {"Config": "abc.json", "RepoTags": ["a:1", "a:2"], "Layers": []}


def test_an_archive_of_the_older_engines_names_its_image_by_its_configuration(tmp_path: Path) -> None:
    assert read_archive(archive(tmp_path, manifest=[ONE])) == Archive(("a:1", "a:2"), ("sha256:abc",))


def test_an_archive_of_the_newer_engines_names_it_by_its_manifest_too(tmp_path: Path) -> None:
    one = {"Config": "blobs/sha256/abc", "RepoTags": None}
    found = read_archive(archive(tmp_path, manifest=[one], index={"manifests": [{"digest": "sha256:def"}]}))
    assert found == Archive((), ("sha256:abc", "sha256:def"))


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "is not an archive of `docker save`: it has no manifest.json"),
        ({"manifest": None}, "is not an archive of `docker save`: it has no manifest.json"),
        ({"manifest": [{}]}, "is not an archive of `docker save`: its manifest.json or index.json is wrong"),
        ({"manifest": [ONE], "index": [1]}, "is not an archive of `docker save`: its manifest.json or index.json"),
        ({"manifest": [{**ONE, "RepoTags": ["A B"]}]}, "is not an archive of `docker save`: its manifest.json or"),
        ({"manifest": [ONE, {"Config": "d"}]}, r"holds 2 images \(a:1, a:2, one without a name\): save each into"),
    ],
)
def test_an_archive_that_does_not_hold_one_image_is_refused(
    tmp_path: Path, files: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        read_archive(archive(tmp_path, **files))


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("nothing")
    with pytest.raises(ValueError, match=r"^is not an archive of `docker save`: it cannot be read as one$"):
        read_archive(tmp_path / "x")
