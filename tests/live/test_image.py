"""Images on a real engine: each source applied, edited, drifted; what comes out the same replaces nothing."""

from __future__ import annotations

import gzip
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker.errors
import pytest

from live.lab import REQUIRED, Lab, busybox_tar, run
from reconciler.errors import Conflict, FileInvalid
from reconciler.host.marks import of_labels
from reconciler.kinds.image.references import mark_tag
from reconciler.model import Action, ResourceKey, Status

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("engine")]

BASE = "d5-base:latest"
KEY = "image/lab"
DOCKERFILE = f"""\
FROM {BASE} AS one
ARG A=0
RUN echo $A >/a
FROM one AS two
COPY . /here
"""


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one root file system in each form."""
    folder, tar = tmp_path_factory.mktemp("roots"), busybox_tar()
    (folder / "root.tar").write_bytes(tar)
    (folder / "root.tar.gz").write_bytes(gzip.compress(tar, 1))
    (folder / "root").mkdir()
    run("tar", "-C", str(folder / "root"), "-xf", str(folder / "root.tar"))
    return folder


@pytest.fixture(scope="module")
def base(engine: Any, roots: Path) -> Iterator[str]:
    """An image to build on that no other test touches."""
    engine.import_image_from_file(str(roots / "root.tar"), "d5-base", "latest", changes=["CMD sh", "LABEL d5=1"])
    yield BASE
    engine.remove_image(BASE)


@pytest.fixture
def files(lab: Lab, base: str, roots: Path, engine: Any) -> Iterator[Path]:
    """The folder of the topology, with a context, archives and a root; no image is left behind."""
    before = everything(engine, lab)
    context = lab.folder / "ctx"
    context.mkdir()
    (context / "Dockerfile").write_text(DOCKERFILE)
    (context / "Other").write_text(DOCKERFILE + "RUN echo other >/b\n")
    (context / "Third").write_text(DOCKERFILE + "RUN echo third >/b\n")
    (context / "file").write_text("one\n")
    shutil.copytree(context, lab.folder / "more")
    (lab.folder / "more/file").write_text("more\n")
    for each in roots.iterdir():
        (lab.folder / each.name).symlink_to(each)
    yield lab.folder
    assert lab.destroy().converged
    assert everything(engine, lab) == before


def everything(engine: Any, lab: Lab) -> list[tuple[str, list[str]]]:
    """All images of these tests, nameless ones among them: others may be at work beside."""
    rows = ((each["Id"], sorted(each["RepoTags"] or []), each["Labels"] or {}) for each in engine.images(all=True))
    return sorted((each, tags) for each, tags, labels in rows if "d5" in labels or _ours(tags, lab))


def _ours(tags: list[str], lab: Lab) -> bool:
    return any(tag.startswith(("d5", "127.0.0.1", f"reconciler/{lab.name}/")) for tag in tags)


def image(entry: str, more: str = "") -> str:
    return f"images:\n  lab: {{{entry}}}\n{more}"


def build(entry: str = "") -> str:
    return image(f"build: {{context: ./ctx{entry}}}")


BOX = "containers:\n  box: {image: lab, init: true, command: [sleep, '600'], network_mode: none, %s}\n"
WRITER = (
    f"containers:\n  box: &box {{image: '{BASE}', init: true, command: [sleep, '600'], network_mode: none, exec: [%s]}}\n"
    "  box2: *box\n"
)


def commit(entry: str = "", exec_: str = "echo 1 >/note") -> str:
    return image(f"commit: {{container: box{entry}}}", WRITER % exec_)


SOURCES = {
    "build": (
        image("build: ./ctx"),
        build(", dockerfile: Other"),
        build(", dockerfile: Third"),
        build(),
        build(", args: {A: 1}"),
        build(", args: [A=2]"),
        build(),
        build(", target: one"),
        build(", target: two"),
        build(),
        build(", labels: {a: b}"),
        build(", labels: [a=c]"),
        build(),
        build(", no_cache: true"),
        build(", no_cache: false"),
        build(", no_cache: true"),
        build(),
        build(", network: none"),
        build(", network: host"),
        build(),
        image("build: {context: ./more}"),
    ),
    "import": (
        image("import: ./root.tar"),
        image("import: ./root"),
        image("import: {path: ./root.tar.gz}"),
        image("import: {path: ./root}"),
        image("import: ./root.tar.gz"),
        image("import: {path: ./root.tar.gz, changes: [USER 5]}"),
        image("import: {path: ./root.tar.gz, changes: [USER 5, CMD sh]}"),
        image("import: {path: ./root.tar.gz}"),
    ),
    "commit": (
        commit(),
        commit(", changes: [CMD sh]"),
        commit(", changes: [CMD ls]"),
        commit(),
        commit(", message: a note"),
        commit(", message: another"),
        commit(),
        commit(", author: me"),
        commit(", author: you"),
        commit(),
        commit(", pause: false"),
        commit(", pause: true"),
        commit(", pause: false"),
        commit(),
        commit("", "echo 2 >/note"),
        commit("", "echo 2 >/note").replace("container: box", "container: box2"),
        commit("", "echo 2 >/note").replace("{container: box}", "box"),
    ),
}


@pytest.mark.parametrize("texts", SOURCES.values(), ids=SOURCES)
def test_each_edit_of_how_an_image_is_made_replaces_it_and_rests(lab: Lab, files: Path, texts: tuple[str, ...]) -> None:
    lab.apply(texts[0])
    for text in (*texts[1:], texts[0]):
        lab.drifted(text, KEY, Action.REPLACE, "inputs")
    lab.drifted("", KEY, Action.DELETE)


def test_an_image_has_each_of_its_sources_in_turn(lab: Lab, files: Path, engine: Any) -> None:
    _save(engine, files, "d5-saved:3", b"1")
    shutil.copy(files / "saved.tar", files / "other.tar")
    _save(engine, files, "d5-saved:3", b"2")
    lab.apply(image("load: ./saved.tar"))
    lab.drifted(image("load: ./other.tar"), KEY, Action.REPLACE, "inputs")
    lab.drifted("", KEY, Action.DELETE)
    lab.apply(image("load: ./saved.tar"))
    lab.drifted(image("build: ./ctx"), KEY, Action.REPLACE, "inputs", "tags")
    lab.drifted(image("import: ./root"), KEY, Action.REPLACE, "inputs")
    lab.drifted(commit(), KEY, Action.REPLACE, "inputs")
    made = lab.live(commit(), KEY)["reference"].rpartition(":")[2]
    lab.drifted(image(f"pull: '{BASE}'"), f"{KEY}:{made}", Action.DELETE)


def test_an_image_is_built_as_declared(lab: Lab, files: Path, engine: Any) -> None:
    alone = 'RUN test "$(ip -o link | wc -l)" = 1\n'
    text = f"FROM {BASE} AS one\nARG A\nLABEL arg=$A\n{alone}FROM one AS two\nLABEL stage=two\n"
    (files / "ctx/Other").write_text(text)
    declared = build(", dockerfile: Other, args: {A: 7}, target: one, labels: {b: c}, network: none")
    lab.apply(declared)
    found = engine.inspect_image(lab.live(declared, KEY)["reference"])
    assert found["Config"]["Labels"] == {"d5": "1", "arg": "7", "b": "c"}


def test_an_image_that_is_built_without_the_cache_is_another_one(lab: Lab, files: Path) -> None:
    lab.apply(build())
    before = lab.live(build(), KEY)["id"]
    text = build(", no_cache: true")
    lab.apply(text)
    assert lab.live(text, KEY)["id"] != before


def test_an_image_is_imported_as_declared(lab: Lab, files: Path, engine: Any) -> None:
    text = image("import: {path: ./root.tar, changes: [USER 5, 'CMD [\"sh\"]', ENV A=b]}")
    lab.apply(text)
    found = engine.inspect_image(lab.live(text, KEY)["reference"])["Config"]
    assert (found["User"], found["Cmd"], "A=b" in found["Env"]) == ("5", ["sh"], True)


def test_images_built_alike_on_one_of_ours_leave_nothing(lab: Lab, files: Path) -> None:
    (files / "ctx/Dockerfile").write_text("FROM lab AS one\nENV A=1\nENV B=2\nFROM one\nENV C=3\n")
    others = "".join(f"  other{number}: {{build: ./ctx}}\n" for number in range(4))
    lab.apply(image("import: {path: ./root, changes: [LABEL d5=1]}", others))


TAGGED = [
    ("tags", image("build: ./ctx, tags: [d5-lab]"), image("build: ./ctx, tags: [d5-lab, 'd5-lab:2']")),
    ("other tags", image("build: ./ctx, tags: ['d5-lab:1']"), image("build: ./ctx, tags: ['d5-lab:2']")),
    ("name", image("build: ./ctx, name: d5-lab"), image("build: ./ctx, name: d5-other")),
]


@pytest.mark.parametrize(("before", "after"), [each[1:] for each in TAGGED], ids=[each[0] for each in TAGGED])
def test_tags_are_given_and_taken_in_place(lab: Lab, files: Path, before: str, after: str) -> None:
    lab.apply(before)
    for text in (after, image("build: ./ctx")):
        lab.drifted(text, KEY, Action.UPDATE, "tags")


def test_a_changed_context_is_seen(lab: Lab, files: Path) -> None:
    lab.apply(build())
    (files / "ctx/file").write_text("two\n")
    lab.drifted(build(), KEY, Action.REPLACE, "inputs")
    (files / "ctx/more").symlink_to("file")
    lab.drifted(build(), KEY, Action.REPLACE, "inputs")


def test_an_ignored_file_is_not_seen_and_not_sent(lab: Lab, files: Path, engine: Any) -> None:
    (files / "ctx/.dockerignore").write_text("# none of these\nsecret*\n!secret-not\n")
    (files / "ctx/secret").write_text("1")
    (files / "ctx/secret-not").write_text("1")
    lab.apply(build())
    (files / "ctx/secret").write_text("2")
    assert lab.tells(build()) == {}
    assert run("docker", "run", "--rm", lab.live(build(), KEY)["reference"], "ls", "/here").split() == [
        "Dockerfile",
        "Other",
        "Third",
        "file",
        "secret-not",
    ]


def test_what_comes_out_the_same_replaces_no_container(lab: Lab, files: Path, engine: Any) -> None:
    text = build() + BOX % ""
    (files / "ctx/.dockerignore").write_text("Dockerfile\n.dockerignore\n")
    lab.apply(text)
    before = engine.inspect_container(f"{lab.name}-box")
    (files / "ctx/Dockerfile").write_text(f"# a comment\n{DOCKERFILE}")
    assert lab.tells(text)[KEY][0] == "replace"
    report = lab.apply(text)
    assert {str(each.step.key): each.status for each in report.outcomes}[f"create {KEY}"] is Status.UNCHANGED
    after = engine.inspect_container(f"{lab.name}-box")
    assert (after["Id"], after["State"]["StartedAt"]) == (before["Id"], before["State"]["StartedAt"])
    (files / "ctx/Dockerfile").write_text(f"{DOCKERFILE}USER 5\n")
    lab.apply(text)
    assert engine.inspect_container(f"{lab.name}-box")["Id"] != before["Id"]


def test_a_removed_image_is_made_again_and_its_container_stays(lab: Lab, files: Path, engine: Any) -> None:
    text = build() + BOX % ""
    lab.apply(text)
    before = engine.inspect_container(f"{lab.name}-box")["Id"]
    engine.remove_image(lab.live(text, KEY)["reference"], force=True)
    lab.drifted(text, KEY, Action.CREATE)
    assert engine.inspect_container(f"{lab.name}-box")["Id"] == before


def test_a_container_moves_to_an_entry_whose_image_is_here_under_another_name(
    lab: Lab, files: Path, engine: Any
) -> None:
    def text(runs: str, last: str = "lab", dockerfile: str = "Dockerfile") -> str:
        entries = {"other": "Other", last: dockerfile}
        lines = [f"  {name}: {{build: {{context: ./ctx, dockerfile: {each}}}}}\n" for name, each in entries.items()]
        return "".join(["images:\n", *lines, BOX.replace("image: lab", f"image: {runs}") % ""])

    def runs() -> str:
        return str(engine.inspect_container(f"{lab.name}-box")["Image"])

    lab.apply(text("lab"), jobs=1)  # two that are built at once are two images, of which the engine finds any later
    other = lab.live(text("lab"), "image/other")["id"]
    assert runs() != other
    moved = text("third", "third", "Other")  # an entry is renamed and edited at once
    assert lab.tells(moved)["container/box"] == ("replace", frozenset({"image"}))
    lab.apply(moved)
    assert runs() == other
    lab.apply(text("lab"))
    engine.remove_image(lab.live(text("lab"), KEY)["reference"], force=True)
    lab.apply(text("lab", dockerfile="Other"))
    assert runs() == other


def test_a_renamed_entry_whose_image_is_the_same_keeps_its_container(lab: Lab, files: Path, engine: Any) -> None:
    text = build() + BOX % ""
    lab.apply(text)
    before = engine.inspect_container(f"{lab.name}-box")["Id"]
    lab.apply(text.replace("lab", "lub"))
    assert engine.inspect_container(f"{lab.name}-box")["Id"] == before


def test_a_tag_moved_or_removed_by_hand_is_put_back(lab: Lab, files: Path, engine: Any) -> None:
    text = image("build: ./ctx, tags: [d5-lab]")
    lab.apply(text)
    identity = engine.inspect_image("d5-lab:latest")["Id"]
    engine.remove_image("d5-lab:latest")
    lab.drifted(text, KEY, Action.UPDATE, "tags")
    engine.tag(BASE, "d5-lab", "latest", force=True)
    lab.drifted(text, KEY, Action.UPDATE, "tags")
    assert engine.inspect_image("d5-lab:latest")["Id"] == identity


def test_a_tag_of_something_foreign_is_a_conflict_unless_adopted(lab: Lab, files: Path, engine: Any) -> None:
    text = image("build: ./ctx, tags: [d5-theirs]")
    engine.tag(BASE, "d5-theirs", "latest")
    with pytest.raises(Conflict, match="image tag d5-theirs:latest is held by image d5-theirs:latest, which is not"):
        lab.plan(text)
    with pytest.raises(Conflict, match="cannot be given back to them: leave out `--on-failure revert`"):
        lab.plan(text, adopt=(ResourceKey.of(KEY),), revert=True)
    lab.apply(text, adopt=(ResourceKey.of(KEY),))
    lab.plan(text, adopt=(ResourceKey.of(KEY),), revert=True)  # ours by now
    assert engine.inspect_image("d5-theirs:latest")["Id"] == lab.live(text, KEY)["id"]


def test_a_tag_that_a_person_gave_stays(lab: Lab, files: Path, engine: Any) -> None:
    lab.apply(build())
    identity = lab.live(build(), KEY)["id"]
    engine.tag(identity, "d5-mine", "1")
    lab.apply("")
    assert engine.inspect_image("d5-mine:1")["Id"] == identity
    engine.remove_image("d5-mine:1")


def test_two_images_swap_their_tags(lab: Lab, files: Path) -> None:
    def text(one: str, two: str) -> str:
        other = f"  other: {{build: {{context: ./ctx, target: one}}, tags: ['{two}']}}\n"
        return image(f"build: ./ctx, tags: ['{one}']", other)

    lab.apply(text("d5:a", "d5:b"))
    lab.apply(text("d5:b", "d5:a"))
    lab.apply(text("d5:a", "d5:b"))


def test_an_image_is_built_on_another_by_its_name_or_tag(lab: Lab, files: Path, engine: Any) -> None:
    (files / "top").mkdir()
    (files / "top/Dockerfile").write_text("FROM lab\nCOPY --from=d5-lab /a /b\nUSER 7\n")
    text = image("build: ./ctx, tags: [d5-lab]", "  top: {build: ./top}\n")
    lab.apply(text)
    first = lab.live(text, "image/top")["id"]
    (files / "ctx/file").write_text("two\n")
    assert {key: told[0] for key, told in lab.tells(text).items()} == {KEY: "replace", "image/top": "replace"}
    lab.apply(text)
    assert lab.live(text, "image/top")["id"] != first


def test_a_container_builds_its_image(lab: Lab, files: Path, engine: Any) -> None:
    text = (
        "containers:\n  box: {build: ./ctx, image: d5-box, init: true, command: [sleep, '600'], network_mode: none}\n"
    )
    lab.apply(text)
    found = engine.inspect_container(f"{lab.name}-box")
    assert found["Image"] == engine.inspect_image("d5-box:latest")["Id"] == lab.live(text, "image/box")["id"]


def test_a_failed_build_tells_its_last_lines_and_leaves_nothing(lab: Lab, files: Path, engine: Any) -> None:
    before = everything(engine, lab)
    text = f"FROM {BASE}\nRUN echo fine >/fine\nRUN echo what went wrong; exit 3\n"
    (files / "ctx/Dockerfile").write_text(text)
    report = lab.attempt(build())
    message = str(report.failed[0].error)
    assert message.startswith(f"{KEY}: ")
    assert "returned a non-zero code: 3" in message
    assert "what went wrong" in message
    assert everything(engine, lab) == before
    assert not [each for each in engine.containers(all=True) if "what went wrong" in each["Command"]]


def test_a_dockerfile_with_a_mistake_is_told(lab: Lab, files: Path) -> None:
    (files / "ctx/Dockerfile").write_text(f"FROM {BASE}\nRUNE x\n")
    assert "RUNE" in str(lab.attempt(build()).failed[0].error)


def test_an_archive_is_loaded_with_its_reference(lab: Lab, files: Path, engine: Any) -> None:
    text = image("load: ./saved.tar")
    _save(engine, files, "d5-saved:3", b"1")
    lab.apply(text)
    assert engine.inspect_image("d5-saved:3")["Id"] == lab.live(text, KEY)["id"]
    engine.remove_image("d5-saved:3")
    lab.drifted(text, KEY, Action.UPDATE, "tags")
    _save(engine, files, "d5-saved:4", b"2")
    lab.drifted(text, KEY, Action.REPLACE, "inputs", "tags")
    with pytest.raises(docker.errors.NotFound):
        engine.inspect_image("d5-saved:3")


def _save(engine: Any, folder: Path, reference: str, content: bytes) -> None:
    """Make an archive of an image that is not here any more."""
    _pack(folder, content)
    engine.import_image_from_file(str(folder / "file.tar"), *reference.split(":"))
    run("docker", "save", "-o", str(folder / "saved.tar"), reference)
    engine.remove_image(reference)


def _pack(folder: Path, content: bytes) -> None:
    (folder / "packed").mkdir(exist_ok=True)
    (folder / "packed/file").write_bytes(content)
    run("tar", "-C", str(folder / "packed"), "-cf", str(folder / "file.tar"), "file")


def test_what_is_no_archive_is_told(lab: Lab, files: Path) -> None:
    (files / "bad.tar").write_text("nothing")
    with pytest.raises(FileInvalid, match=r"images\.lab\.import: './bad\.tar' is not an archive that can be read"):
        lab.load(image("import: ./bad.tar"))


def test_a_commit_has_the_note_and_no_mark_of_ours(lab: Lab, files: Path, engine: Any) -> None:
    text = (
        commit(", message: a note, author: me, changes: ['ENV A=b']") + "  reader: {image: lab, network_mode: none}\n"
    )
    lab.apply(text)
    found = engine.inspect_image(lab.live(text, KEY)["reference"])
    assert (found["Comment"], found["Author"]) == ("a note", "me")
    assert of_labels(found["Config"]["Labels"]) is None
    assert {text for name, text in found["Config"]["Labels"].items() if name.startswith("reconciler.")} == {""}
    assert "A=b" in found["Config"]["Env"]
    assert run("docker", "run", "--rm", lab.live(text, KEY)["reference"], "cat", "/note") == "1\n"


def test_a_commit_is_made_again_once_the_image_of_its_container_is_another(lab: Lab, files: Path, engine: Any) -> None:
    text = image("commit: box", "  base: {external: true, name: 'd5-moving:1'}\n" + WRITER.replace(BASE, "base") % "ls")
    engine.tag(BASE, "d5-moving", "1")
    lab.apply(text)
    engine.import_image_from_file(str(files / "root.tar"), "d5-moving", "1", changes=["CMD sh", "LABEL d5=2"])
    lab.drifted(text, KEY, Action.REPLACE, "current")
    found = lab.live(text, KEY)
    assert engine.inspect_image(found["id"])["Config"]["Labels"]["d5"] == "2"
    engine.remove_image(found["reference"])  # as a kill right after the commit leaves it
    lab.drifted(text, KEY, Action.CREATE)
    assert lab.live(text, KEY)["id"] == found["id"]
    lab.apply("")
    engine.remove_image("d5-moving:1")


def test_an_external_image_must_be_here_and_is_never_touched(lab: Lab, files: Path, engine: Any) -> None:
    with pytest.raises(Conflict, match="declared external, but there is none"):
        lab.plan(image("external: true, name: 'd5-none:1'"))
    text = image(f"external: true, name: '{BASE}'", BOX % "")
    lab.apply(text)
    assert lab.live(text, KEY)["id"] == engine.inspect_image(BASE)["Id"]
    lab.apply("")
    assert engine.inspect_image(BASE)


def test_an_image_that_is_never_pulled_must_be_here(lab: Lab, files: Path) -> None:
    text = image("pull: {image: 'd5-none:1', policy: never}")
    assert "is not here, and is never pulled" in str(lab.attempt(text).failed[0].error)
    lab.apply(image(f"pull: {{image: '{BASE}', policy: never}}"))


def test_a_pulled_image_stays_and_its_tags_go(lab: Lab, files: Path, engine: Any) -> None:
    text = image(f"pull: '{BASE}', tags: [d5-extra]")
    lab.apply(text)
    assert engine.inspect_image("d5-extra:latest")["Id"] == engine.inspect_image(BASE)["Id"]
    lab.edit(text, image(f"pull: '{BASE}'"), KEY, Action.UPDATE, "tags")
    assert lab.tells("")[KEY][0] == "delete"
    lab.apply("")
    assert engine.inspect_image(BASE)


def test_a_container_of_a_stranger_keeps_our_image_and_is_named(lab: Lab, files: Path, engine: Any) -> None:
    lab.apply(build())
    run("docker", "create", "--name", "d5-guest", lab.live(build(), KEY)["reference"])
    try:
        assert "d5-guest still runs it" in str(lab.attempt("").failed[0].error)
    finally:
        engine.remove_container("d5-guest")
    lab.apply("")


def test_what_earlier_runs_left_is_removed(lab: Lab, files: Path, engine: Any) -> None:
    lab.apply(build())
    repository = lab.live(build(), KEY)["reference"].rpartition(":")[0]
    engine.tag(BASE, repository, "in-0123456789abcdef")
    assert lab.tells(build()) == {f"{KEY}:in-0123456789abcdef": ("delete", frozenset())}
    lab.apply(build())


def test_a_failure_brings_back_the_former_image(lab: Lab, files: Path, engine: Any) -> None:
    text = image("build: ./ctx, tags: [d5-lab]")
    lab.apply(text)
    identity = engine.inspect_image("d5-lab:latest")["Id"]
    (files / "ctx/file").write_text("two\n")
    bad = "networks: {bad: {ipam: {driver: 'null'}}}\n"
    assert lab.attempt(text + bad, revert=True).reverted.converged  # type: ignore[union-attr]
    assert engine.inspect_image("d5-lab:latest")["Id"] == identity


def test_a_mark_without_its_tag_is_mended(lab: Lab, files: Path, engine: Any) -> None:
    text = image("build: ./ctx, tags: [d5-lab]")
    lab.apply(build())
    found = lab.live(build(), KEY)
    engine.tag(found["id"], found["reference"].rpartition(":")[0], mark_tag("d5-lab:latest"))
    lab.drifted(text, KEY, Action.UPDATE, "tags")


def test_an_image_of_a_folder_that_is_gone_is_still_deleted_by_name(lab: Lab, files: Path) -> None:
    lab.apply(build())
    shutil.rmtree(files / "ctx")
    lab.apply("")


@pytest.fixture
def registry(listening: str, files: Path, engine: Any, lab: Lab) -> Iterator[str]:
    """The address of a registry; what was pulled from it is removed, old and new."""
    yield listening
    assert lab.destroy().converged
    for each in engine.images():
        if "pulled" in (each["Labels"] or {}):
            engine.remove_image(each["Id"], force=True)


@pytest.fixture(scope="module")
def listening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry on the loopback; the tests skip visibly where Debian's `docker-registry` is not installed."""
    program = shutil.which("docker-registry") or ""
    if not program:
        pytest.fail("docker-registry must be here") if REQUIRED else pytest.skip("docker-registry is not installed")
    folder = tmp_path_factory.mktemp("registry")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    config = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": {"addr": address},
    }
    (folder / "config.yml").write_text(json.dumps(config))
    with subprocess.Popen([program, "serve", str(folder / "config.yml")], stderr=subprocess.DEVNULL) as process:
        _await(address)
        yield address
        process.terminate()


def _await(address: str) -> None:
    host, _, port = address.partition(":")
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("the registry does not listen")


def push(engine: Any, folder: Path, reference: str, content: bytes) -> str:
    """Put another image under a reference of a registry, and leave here what was here; return its id."""
    _pack(folder, content)
    repository, _, tag = reference.rpartition(":")
    before = [each["Id"] for each in engine.images() if reference in (each["RepoTags"] or ())]
    engine.import_image_from_file(str(folder / "file.tar"), repository, tag, changes=["CMD x", "LABEL pulled=1 d5=1"])
    for line in engine.push(repository, tag, stream=True, decode=True):
        assert "error" not in line, line
    identity: str = engine.inspect_image(reference)["Id"]
    for each in before:
        engine.tag(each, repository, tag)
    engine.remove_image(identity if before else reference, force=True)
    return identity


def test_a_plain_reference_is_pulled_when_missing(lab: Lab, files: Path, engine: Any, registry: str) -> None:
    reference = f"{registry}/d5/one:1"
    text = f"containers:\n  box: {{image: '{reference}', network_mode: none, state: created}}\n"
    identity = push(engine, files, reference, b"1")
    report = lab.apply(text)
    assert f"create image/{reference}" in [str(each.step.key) for each in report.outcomes]
    assert lab.live(text, f"image/{reference}")["id"] == identity == engine.inspect_image(reference)["Id"]
    lab.apply("")
    assert engine.inspect_image(reference)["Id"] == identity


def test_another_reference_is_another_image(lab: Lab, files: Path, engine: Any, registry: str) -> None:
    box = "containers:\n  box: {image: lab, network_mode: none, state: created}\n"
    one, other = (f"{registry}/d5/{each}:1" for each in ("one", "other"))
    first, second = (image(f"pull: {{image: '{each}'}}", box) for each in (one, other))
    push(engine, files, one, b"1")
    push(engine, files, other, b"2")
    lab.apply(first)
    lab.drifted(second, KEY, Action.CREATE)
    lab.drifted(image(f"pull: {{image: '{BASE}'}}", box), "container/box", Action.REPLACE, "image")
    tagged = image(f"pull: {{image: '{BASE}'}}, tags: [d5-extra]", box)
    lab.drifted(tagged, KEY, Action.UPDATE, "tags")
    lab.drifted(box.replace("lab", f"'{BASE}'"), KEY, Action.DELETE)


def test_always_asks_the_registry_and_rests_when_nothing_is_new(
    lab: Lab, files: Path, engine: Any, registry: str
) -> None:
    reference = f"{registry}/d5/always:1"
    entry = f"pull: {{image: '{reference}', policy: %s}}"
    box = "containers:\n  box: {image: lab, network_mode: none, state: created}\n"
    text, missing = image(entry % "always", box), image(entry % "missing", box)
    first = push(engine, files, reference, b"1")
    lab.apply(text)
    container = engine.inspect_container(f"{lab.name}-box")["Id"]
    second = push(engine, files, reference, b"2")
    assert lab.tells(missing) == {}
    assert lab.tells(text)[KEY] == ("replace", frozenset({"current"}))
    lab.apply(text)
    assert lab.live(text, KEY)["id"] == second
    assert engine.inspect_container(f"{lab.name}-box")["Id"] != container
    assert first in engine.images(quiet=True)


def test_what_is_built_on_a_base_that_is_newer_by_now_is_built_again(
    lab: Lab, files: Path, engine: Any, registry: str
) -> None:
    reference = f"{registry}/d5/base:1"
    text = image("build: ./ctx", f"  base: {{pull: {{image: '{reference}', policy: always}}}}\n")
    (files / "ctx/Dockerfile").write_text("FROM base\nCOPY file /\n")
    push(engine, files, reference, b"1")
    lab.apply(text)
    push(engine, files, reference, b"2")
    run("docker", "pull", "-q", reference)
    lab.drifted(text, KEY, Action.REPLACE, "current")
    (files / "ctx/Dockerfile").write_text(f"FROM {reference}\nCOPY file /\n")
    lab.apply(text)
    engine.tag(BASE, reference.rpartition(":")[0], "1", force=True)
    lab.drifted(text.replace("always", "missing"), KEY, Action.REPLACE, "current")
    repository, _, tag = lab.live(text, KEY)["reference"].rpartition(":")
    engine.tag(BASE, repository, tag, force=True)
    lab.drifted(text.replace("always", "missing"), KEY, Action.REPLACE, "current")
    engine.remove_image(reference)


def test_a_registry_out_of_reach_is_told_at_apply(lab: Lab, files: Path, engine: Any) -> None:
    reference = "127.0.0.1:9/d5/none:1"
    text = image(f"pull: '{reference}'")
    assert lab.tells(text)[KEY][0] == "create"
    assert str(lab.attempt(text).failed[0].error).startswith(f"{KEY}: {reference} cannot be pulled: ")
    engine.tag(BASE, "127.0.0.1:9/d5/none", "1")
    always = image(f"pull: {{image: '{reference}', policy: always}}")
    assert lab.tells(always)[KEY] == ("replace", frozenset({"current"}))
    assert "cannot be pulled" in str(lab.attempt(always).failed[0].error)
    lab.apply(text)
    engine.remove_image(reference)


def test_a_container_says_how_its_image_is_pulled(lab: Lab, files: Path, engine: Any, registry: str) -> None:
    reference = f"{registry}/d5/policy:1"
    text = "containers:\n  box: {image: '%s', pull_policy: %s, network_mode: none, state: created}\n"
    push(engine, files, reference, b"1")
    report = lab.attempt(text % (reference, "never"))
    assert "is never pulled" in str(report.failed[0].error)
    lab.apply(text % (reference, "if_not_present"))
    lab.apply(text % (reference, "always"))
    lab.apply(text % (reference, "never"))


def test_a_container_runs_the_entry_that_declares_its_image_as_a_tag(lab: Lab, files: Path, engine: Any) -> None:
    web = "containers: {web: {image: 'd5-lab:1', network_mode: none, init: true, command: [sleep, '1000']}}\n"
    lab.apply(image("build: ./ctx, tags: ['d5-lab:1']") + "\n" + web)
    made = engine.inspect_container(f"{lab.name}-web")["Image"]
    assert made == engine.inspect_image("d5-lab:1")["Id"]


def named(engine: Any) -> dict[str, str]:
    """The tags that these tests declare, and the images that have them."""
    return {tag: each["Id"] for each in engine.images() for tag in each["RepoTags"] or () if tag.startswith("d5:")}


TAG_ONE = image("build: ./ctx, tags: ['d5:1']", BOX % "")
DEAD = BOX.replace("init: true, command: [sleep, '600']", "command: [nothere]")
TAG_TWO = image("import: {path: ./root, changes: [LABEL d5=1]}, tags: ['d5:2']", DEAD % "")


def test_the_tags_of_an_image_that_did_not_last_go_with_it(lab: Lab, files: Path, engine: Any) -> None:
    lab.apply(TAG_ONE)
    assert lab.attempt(TAG_TWO, revert=True).reverted.converged  # type: ignore[union-attr]
    assert lab.tells(TAG_ONE) == {}
    assert set(named(engine)) == {"d5:1"}


def test_the_tags_of_an_image_that_did_not_last_are_seen_at_the_next_plan(lab: Lab, files: Path, engine: Any) -> None:
    lab.apply(TAG_ONE)
    assert lab.attempt(TAG_TWO).failed
    assert set(named(engine)) == {"d5:1", "d5:2"}
    (left,) = (key for key, told in lab.tells(TAG_ONE).items() if told[0] == "delete")
    assert left.startswith(f"{KEY}:in-")
    lab.apply(TAG_ONE)
    assert set(named(engine)) == {"d5:1"}


@pytest.mark.parametrize("text", [build(), ""])
def test_a_tag_that_only_its_mark_is_left_of_is_found(lab: Lab, files: Path, engine: Any, text: str) -> None:
    lab.apply(build())
    engine.import_image_from_file(str(files / "root.tar"), "d5", "2", changes=["LABEL d5=2"])
    repository = lab.live(build(), KEY)["reference"].rpartition(":")[0]
    engine.tag("d5:2", repository, mark_tag("d5:2"))
    assert KEY in lab.tells(text)
    lab.apply(text)
    assert named(engine) == {}


BUILDS = "containers:\n  box: {build: ./ctx, image: 'd5:1', init: true, command: [sleep, '600'], network_mode: none}\n"
HANDED_OVER = {
    "a container that builds no more": (BUILDS, BUILDS.replace("build: ./ctx, ", "")),
    "pulled": (TAG_ONE, image("pull: 'd5:1'", BOX % "")),
    "external": (TAG_ONE, image("external: true, name: 'd5:1'", BOX % "")),
}


@pytest.mark.parametrize(("before", "after"), HANDED_OVER.values(), ids=HANDED_OVER)
def test_what_is_declared_by_its_tag_from_now_on_keeps_it(
    lab: Lab, files: Path, engine: Any, before: str, after: str
) -> None:
    lab.apply(before)
    had, container = named(engine), engine.inspect_container(f"{lab.name}-box")["Id"]
    lab.apply(after)
    assert (named(engine), engine.inspect_container(f"{lab.name}-box")["Id"]) == (had, container)
    assert lab.destroy().converged
    assert named(engine) == had
    engine.remove_image("d5:1")


def test_a_renamed_entry_takes_its_tags_along(lab: Lab, files: Path, engine: Any) -> None:
    lab.apply(TAG_ONE)
    had = named(engine)
    lab.apply(TAG_ONE.replace("lab", "lub"))
    assert named(engine) == had
    lab.apply(TAG_ONE)
    assert named(engine) == had
    lab.apply("")
    assert named(engine) == {}


def test_an_entry_that_is_a_plain_reference_from_now_on_loses_its_tags(lab: Lab, files: Path, engine: Any) -> None:
    run("docker", "tag", BASE, "d5:latest")
    box = BOX.replace("image: lab", "image: d5, pull_policy: never") % ""
    lab.apply(f"images:\n  d5: {{pull: {{image: d5, policy: never}}, tags: ['d5:1']}}\n{box}")
    assert set(named(engine)) == {"d5:latest", "d5:1"}
    lab.apply(box)
    assert set(named(engine)) == {"d5:latest"}
    engine.remove_image("d5:latest", force=True)


def test_a_tag_goes_from_one_image_to_another_that_is_the_same(lab: Lab, files: Path, engine: Any) -> None:
    def text(one: str, two: str) -> str:
        return image(f"build: ./ctx, tags: {one}", f"  other: {{build: ./ctx, tags: {two}}}\n")

    lab.apply(text("['d5:1']", "[]").partition("  other")[0])  # two that are built at once are two images
    for jobs in (8, 1):  # one at a time, the first by its name takes it before the other lets go
        lab.apply(text("['d5:1']", "[]"), jobs=jobs)
        lab.apply(text("[]", "['d5:1']"), jobs=jobs)
        lab.apply(text("['d5:1']", "[]"), jobs=jobs)
    assert lab.live(text("[]", "[]"), KEY)["id"] == lab.live(text("[]", "[]"), "image/other")["id"]
    lab.apply("")
    assert named(engine) == {}


def test_what_somebody_still_runs_keeps_all_its_tags(lab: Lab, files: Path, engine: Any) -> None:
    text = image("build: ./ctx, tags: ['d5:1']")
    lab.apply(text)
    run("docker", "create", "--name", "d5-guest", "d5:1")
    try:
        assert "d5-guest still runs it" in str(lab.attempt("").failed[0].error)
        assert lab.tells(text) == {}
    finally:
        engine.remove_container("d5-guest")
    lab.apply("")
