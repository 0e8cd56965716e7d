"""Images as the file declares them: entries, what containers build, and plain references."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from engine_files import problems, resource, spec, topology
from fake_engine import PONG, FakeEngine

from reconciler.host import Host
from reconciler.kinds import kinds
from reconciler.kinds.image.context import build_files
from reconciler.kinds.image.effects import _is_another
from reconciler.kinds.image.spec import Build, Commit, ImageSpec, Import, Load, Pull
from reconciler.model import Action, Change, FrozenMap, How, Need, ResourceKey, Step, StepKey, Topology, Verb
from reconciler.topology import load

KEY = "image/lab"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """The folder of the file, with a context, a root and an archive beside it."""
    (tmp_path / "ctx").mkdir()
    (tmp_path / "ctx/Dockerfile").write_text("FROM busybox\n")
    (tmp_path / "ctx/Other").write_text("ARG BASE=base\nFROM $BASE\nCOPY --from=me/tool /x /y\n")
    (tmp_path / "ctx/Bad").write_bytes(b"FROM \xff\n")
    (tmp_path / "ctx/Kit").write_text("FROM busybox\n\nCOPY --chmod=755 a b\n")
    (tmp_path / "ctx/Ignoring").write_text("FROM busybox\n")
    (tmp_path / "ctx/Ignoring.dockerignore").write_text("fine\n[z-a]\n")
    (tmp_path / "root").mkdir()
    tarfile.open(tmp_path / "root.tar", "w").close()
    save(tmp_path / "saved.tar", "saved:1")
    return tmp_path


def save(path: Path, *tags: str) -> None:
    with tarfile.open(path, "w") as tar:
        data = json.dumps([{"Config": "abc.json", "RepoTags": list(tags)}]).encode()
        entry = tarfile.TarInfo("manifest.json")
        entry.size = len(data)
        tar.addfile(entry, io.BytesIO(data))


def image(entry: str, more: str = "") -> str:
    return f"images:\n  lab: {{{entry}}}\n{more}"


def build(entry: str = "") -> str:
    return image(f"build: {{context: ctx{entry}}}")


def references(folder: Path, text: str) -> dict[str, str]:
    return {each.key.name: each.spec.reference for each in topology(folder, text).of_kind("image")}  # type: ignore[attr-defined]


def test_what_is_made_here_is_known_by_a_tag_with_the_digest_of_its_inputs(here: Path) -> None:
    found = spec(here, image("build: ctx"), KEY)
    assert len(found.inputs) == 16
    assert (found.reference, found.repository) == (f"reconciler/t/lab:in-{found.inputs}", "reconciler/t/lab")
    assert found.recipe == Build(str(here / "ctx"), str(here / "ctx/Dockerfile"))


@pytest.mark.parametrize(
    ("entry", "field", "value"),
    [
        (", dockerfile: Other", "dockerfile", "ctx/Other"),
        (", args: {A: 1, B: true}", "args", {"A": "1", "B": "true"}),
        (", args: {API_TOKEN: one}", "args", {"API_TOKEN": "one"}),
        (", args: [A=1, FROM_ENV, UNSET]", "args", {"A": "1", "FROM_ENV": "e"}),
        (", args: {FROM_ENV: , UNSET: }", "args", {"FROM_ENV": "e"}),
        (", target: one", "target", "one"),
        (", labels: [a=b]", "labels", {"a": "b"}),
        (", no_cache: true", "no_cache", True),
        (", network: none", "network", "none"),
    ],
)
def test_an_attribute_of_a_build_is_read_and_counts(here: Path, entry: str, field: str, value: Any) -> None:
    found, plain = (spec(here, text, KEY, FROM_ENV="e") for text in (build(entry), build()))
    read = getattr(found.recipe, field)
    assert (
        dict(read) if isinstance(value, dict) else read.removeprefix(f"{here}/") if field == "dockerfile" else read
    ) == value
    assert found.inputs != plain.inputs


@pytest.mark.parametrize(
    ("entry", "recipe"),
    [
        ("import: root", Import("root")),
        ("import: {path: root.tar, changes: [USER 5]}", Import("root.tar", ("USER 5",))),
        ("load: saved.tar", Load("saved.tar", ("sha256:abc",))),
    ],
)
def test_what_is_imported_or_loaded_is_read_beside_the_file(here: Path, entry: str, recipe: Import | Load) -> None:
    found = spec(here, image(entry), KEY)
    assert found.inputs
    assert type(recipe)(str(here / recipe.path), *list(vars(recipe).values())[1:]) == found.recipe


@pytest.mark.parametrize("entry", [", network: default", ", no_cache: false", ", dockerfile: Dockerfile"])
def test_writing_a_default_of_a_build_changes_nothing(here: Path, entry: str) -> None:
    assert spec(here, build(entry), KEY) == spec(here, build(), KEY)


def test_what_is_loaded_has_the_tags_of_its_archive_and_those_declared(here: Path) -> None:
    found = resource(here, image("load: saved.tar, tags: [mine]"), KEY)
    assert found.spec.tags == ("mine:latest", "saved:1")  # type: ignore[attr-defined]
    assert [each.scope for each in found.claims] == ["tag mine:latest", "tag saved:1"]


def test_a_reference_within_an_archive_means_the_image_that_is_loaded_from_it(here: Path) -> None:
    (here / "ctx/Dockerfile").write_text("FROM saved:1\n")
    text = image("load: saved.tar", "  on: {build: ctx}\ncontainers: {web: {image: 'saved:1'}}\n")
    found = whole(here, text)
    lab = ResourceKey.of(KEY)
    assert {each.key.name for each in found.of_kind("image")} == {"lab", "on"}
    assert found.resources[ResourceKey("container", "web")].spec.image == KEY  # type: ignore[attr-defined]
    on = found.resources[ResourceKey("image", "on")]
    assert [need.key for need in on.needs] == [lab]
    save(here / "saved.tar", "saved:1", "saved:2")
    again = whole(here, text).resources[on.key]
    assert again.spec.inputs != on.spec.inputs  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("pull: 'busybox:1'", ImageSpec("busybox:1", recipe=Pull(), repository="reconciler/t/lab")),
        (
            "pull: {image: busybox, policy: never}, name: mine",
            ImageSpec("busybox", "", ("mine:latest",), recipe=Pull("never"), repository="reconciler/t/lab"),
        ),
        ("external: true", ImageSpec("lab")),
        ("external: true, name: 'theirs:1'", ImageSpec("theirs:1")),
    ],
)
def test_what_is_pulled_or_external_has_its_own_reference(tmp_path: Path, entry: str, expected: ImageSpec) -> None:
    found = resource(tmp_path, image(entry), KEY)
    assert found.spec == expected
    assert found.owned is ("external" not in entry)


BOX = "containers: {box: {image: base, exec: [%s], x-note: %s}}\n"


def test_a_commit_comes_after_all_of_its_container(tmp_path: Path) -> None:
    entry = "commit: {container: box, changes: [USER 5], message: m, author: me, pause: false}"
    found = resource(tmp_path, image(entry, BOX % ("one", 1)), KEY)
    after = {Need(ResourceKey(kind, "box"), "commit", How.AFTER) for kind in ("container", "exec", "process")}
    assert set(found.needs) == {*after, Need(ResourceKey("image", "base"), "commit")}
    assert found.spec.bases == ("base",)  # type: ignore[attr-defined]
    recipe = found.spec.recipe  # type: ignore[attr-defined]
    assert recipe == Commit("t-box", recipe.made_of, ("USER 5",), "m", "me", pause=False)
    assert spec(tmp_path, image("commit: box", BOX % ("one", 1)), KEY).recipe == Commit("t-box", recipe.made_of)


def test_a_commit_is_made_of_how_its_container_is_declared(here: Path) -> None:
    def inputs(exec_: str, note: int, more: str = "") -> str:
        return str(spec(here, image("commit: box", more + BOX % (exec_, note)), KEY).inputs)

    assert inputs("one", 1) == inputs("one", 2)
    assert inputs("one", 1) != inputs("two", 1)
    assert inputs("run --password=one11111", 1) != inputs("run --password=two22222", 1)
    base = inputs("one", 1, "  base: {build: ctx}\n")
    (here / "ctx/Dockerfile").write_text("FROM busybox:2\n")
    assert inputs("one", 1, "  base: {build: ctx}\n") != base


BASIC = "image: base, command: [sleep, '9999'], env_file: e.env"
COMMITTED: dict[str, tuple[str, bool]] = {
    "as it is": (BASIC, False),
    "another way to write it": (
        BASIC.replace("[sleep, '9999']", "sleep 9999").replace("e.env", "[{path: e.env}]"),
        False,
    ),
    "what the engine gives besides": (f"{BASIC}, restart: always, mem_limit: 64m, init: true, networks: [n]", False),
    "where a port is published": (f"{BASIC}, expose: [80]", True),
    "command": (BASIC.replace("9999", "99"), True),
    "entrypoint": (f"{BASIC}, entrypoint: sh", True),
    "environment": (f"{BASIC}, environment: {{A: 2}}", True),
    "labels": (f"{BASIC}, labels: {{a: b}}", True),
    "user": (f"{BASIC}, user: '5'", True),
    "working_dir": (f"{BASIC}, working_dir: /x", True),
    "healthcheck": (f"{BASIC}, healthcheck: {{test: x}}", True),
    "stop_signal": (f"{BASIC}, stop_signal: SIGINT", True),
    "ports": (f"{BASIC}, ports: ['8080:80']", True),
    "mounts": (f"{BASIC}, tmpfs: [/x]", True),
    "exec": (f"{BASIC}, exec: [one]", True),
    "exec in its network only": (f"{BASIC}, exec: [{{command: one, in: network}}]", False),
    "image": (BASIC.replace("base", "other"), True),
}


@pytest.mark.parametrize(("container", "counts"), COMMITTED.values(), ids=COMMITTED)
def test_a_commit_is_made_of_what_goes_into_an_image(tmp_path: Path, container: str, counts: bool) -> None:
    def inputs(said: str) -> str:
        text = image("commit: box", f"networks: {{n: }}\ncontainers: {{box: {{{said}}}}}\n")
        return str(spec(tmp_path, text, KEY).inputs)

    (tmp_path / "e.env").write_text("A=1\n")
    before = inputs(BASIC)
    assert (inputs(container) != before) is counts
    (tmp_path / "e.env").write_text("A=3\n")
    assert inputs(BASIC) != before


def test_a_commit_of_an_external_container_is_made_of_that(tmp_path: Path) -> None:
    found = spec(tmp_path, image("commit: box", "containers: {box: {external: true}}"), KEY)
    assert (found.recipe.container, found.bases) == ("box", ())


def test_a_commit_of_a_container_that_says_nothing_is_a_problem_of_that_container(tmp_path: Path) -> None:
    (found,) = set(problems(tmp_path, image("commit: box", "containers: {box: }")))
    assert "the container has neither 'image' nor 'build'" in found


def test_an_image_is_built_on_entries_by_their_names_and_tags(here: Path) -> None:
    others = (
        "  base: {pull: 'busybox:1'}\n  tool: {import: root, tags: [me/tool]}\n  ext: {external: true, name: me/tool}\n"
    )
    found = resource(here, image("build: {context: ctx, dockerfile: Other}", others), KEY)
    assert [str(each.key) for each in found.needs] == ["image/base", "image/tool"]
    tool = spec(here, image("build: ctx", others), "image/tool").reference
    assert found.spec.recipe.bases == FrozenMap({"base": "busybox:1", "me/tool": tool})  # type: ignore[attr-defined]


def test_images_that_are_built_on_each_other_are_a_circle(here: Path) -> None:
    (here / "ctx/Dockerfile").write_text("FROM two\n")
    (here / "ctx/Other").write_text("FROM lab\n")
    found = problems(here, build() + "  two: {build: {context: ctx, dockerfile: Other}}\n")
    assert any("lab → two → lab" in each for each in found), found


@pytest.mark.parametrize(("tags", "named"), [("tags: [a, 'b:1', a]", ("a:latest", "b:1")), ("name: a", ("a:latest",))])
def test_tags_are_in_their_normal_form_and_once(here: Path, tags: str, named: tuple[str, ...]) -> None:
    assert spec(here, image(f"build: ctx, {tags}"), KEY).tags == named


@pytest.mark.parametrize(
    ("containers", "images"),
    [
        ("{a: {image: busybox}}", {"busybox": "missing"}),
        ("{a: {image: busybox}, b: {image: busybox, pull_policy: always}}", {"busybox": "always"}),
        ("{a: {image: busybox, pull_policy: never}, b: {image: busybox}}", {"busybox": "missing"}),
        ("{a: {image: busybox, pull_policy: if_not_present}}", {"busybox": "missing"}),
        ("{a: {image: x}, b: {image: y:1}, c: {external: true}}", {"x": "missing", "y:1": "missing"}),
    ],
)
def test_a_plain_reference_is_an_image_of_its_own(tmp_path: Path, containers: str, images: dict[str, str]) -> None:
    found = topology(tmp_path, f"containers: {containers}").of_kind("image")
    assert {each.key.name: each.spec.recipe.policy for each in found} == images  # type: ignore[attr-defined]
    assert {each.key.name: each.spec.reference for each in found} == {name: name for name in images}  # type: ignore[attr-defined]


def test_an_entry_is_no_plain_reference(here: Path) -> None:
    assert set(references(here, image("build: ctx", "containers: {a: {image: lab}}"))) == {"lab"}


def test_a_container_builds_an_image_that_others_run_by_its_name(here: Path) -> None:
    text = "containers: {a: {build: ctx, image: 'x:1'}, b: {image: a}, c: {build: {context: ctx, target: t}}}"
    found = {each.key.name: each.spec for each in topology(here, text).of_kind("image")}
    assert set(found) == {"a", "c"}
    assert (found["a"].tags, found["c"].tags) == (("x:1",), ())  # type: ignore[attr-defined]


def test_a_context_that_is_not_named_is_the_folder_of_the_file(here: Path) -> None:
    (here / "Own").write_text("FROM scratch\n")
    recipes = [spec(here, image(f"build: {{{each}dockerfile: Own}}"), KEY).recipe for each in ("", "context: ., ")]
    assert recipes == [Build(str(here), str(here / "Own"))] * 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (image("build: git@host:a"), "images.lab.build: the build's context 'git@host:a' is not on this machine"),
        (image("build: none"), "images.lab.build: the build's context 'none' is not a folder"),
        (image("build: {context: none}"), "images.lab.build.context: the build's context 'none' is not a folder"),
        (image("build: root"), "images.lab.build: there is no Dockerfile in 'root' (say `dockerfile:`)"),
        (build(", dockerfile: None"), "images.lab.build.dockerfile: there is no None in 'ctx'"),
        ("containers: {a: {build: root}}", "containers.a.build: there is no Dockerfile in 'root' (say `dockerfile:`)"),
        (image("import: none"), "images.lab.import: there is no file or folder 'none'"),
        (image("import: ~nobody-here/x"), "images.lab.import: '~nobody-here/x' is in the home directory of somebody"),
        (image(f"import: {'x' * 300}"), f"images.lab.import: cannot read '{{here}}/{'x' * 300}': File name too long"),
        (build(", dockerfile: Bad"), "images.lab.build: the Dockerfile is not UTF-8 (save the file as UTF-8)"),
        (
            build(", dockerfile: Kit"),
            "images.lab.build: line 3 of the Dockerfile: `--chmod` needs BuildKit, and builds use the classic builder",
        ),
        (
            build(", dockerfile: Ignoring"),
            "images.lab.build: the build's .dockerignore cannot be read: '[z-a]' is no pattern: ",
        ),
        (image("import: {path: none}"), "images.lab.import.path: there is no file or folder 'none'"),
        (image("load: none"), "images.lab.load: there is no file 'none'"),
        (image("import: ctx/Dockerfile"), "images.lab.import: 'ctx/Dockerfile' is not an archive that can be read"),
        (
            image("load: ctx/Dockerfile"),
            "images.lab.load: 'ctx/Dockerfile' is not an archive of `docker save`: it cannot be",
        ),
        (image("commit: {container: x}"), "images.lab.commit.container: there is no 'x' in containers"),
        (
            image("commit: bxo", BOX % ("", 1)),
            "images.lab.commit: there is no 'bxo' in containers (did you mean 'box'?)",
        ),
        (
            build(", labels: {reconciler.x: y}"),
            "images.lab.build.labels.reconciler.x: the label 'reconciler.x' is kept for our own",
        ),
        (image("pull: 'X Y'"), "images.lab.pull: 'X Y' is not a reference to an image (e.g. busybox:1.36)"),
        (image("external: true, name: 'X Y'"), "images.lab.name: 'X Y' is not a reference to an image"),
        (image("build: ctx, tags: [ok, 'X Y']"), "images.lab.tags[1]: 'X Y' cannot be the tag of an image"),
        (image("build: ctx, name: reconciler/x"), "images.lab.name: 'reconciler/x' cannot be the tag of an image"),
        (image("build: ctx", "containers: {lab: {build: ctx}}"), "containers.lab.build: images has an entry 'lab' too"),
    ],
)
def test_what_is_wrong_is_a_problem(here: Path, text: str, message: str) -> None:
    found = problems(here, text)
    assert any(each.startswith(message.format(here=here)) for each in found), found


def test_two_images_with_one_tag_are_a_problem(here: Path) -> None:
    (found,) = problems(here, image("build: ctx, tags: [x]", "  two: {build: ctx, name: 'x:latest'}\n"))
    assert "image tag x:latest" in found


def test_only_tags_are_changed_in_place(here: Path) -> None:
    found = resource(here, build(), KEY)
    assert [path for path in ("tags", "inputs", "current") if kinds()["image"].mutable(path, found, found)] == ["tags"]


def whole(folder: Path, text: str) -> Topology:
    """Load a text with the containers as well."""
    (folder / "topology.yaml").write_text(f"name: t\n{text}")
    return load(folder / "topology.yaml", kinds=kinds(), environment={})


@pytest.mark.parametrize("reference", ["own:1", "docker.io/own:1", "library/own:1"])
def test_a_container_runs_the_entry_that_declares_its_image_as_a_tag(here: Path, reference: str) -> None:
    text = f"images: {{lab: {{import: root.tar, tags: ['own:1']}}}}\ncontainers: {{web: {{image: '{reference}'}}}}"
    found = whole(here, text)
    assert [str(each.key) for each in found if each.key.kind == "image"] == [KEY]
    web = found.resources[ResourceKey("container", "web")]
    assert Need(ResourceKey.of(KEY), "image") in web.needs
    assert getattr(web.spec, "reference", "") == getattr(found.resources[ResourceKey.of(KEY)].spec, "reference", "-")


def test_a_container_runs_what_another_builds_by_the_tag_that_this_one_declares(here: Path) -> None:
    found = whole(here, "containers: {a: {build: ctx, image: 'own:1'}, b: {image: 'own:1'}}")
    assert "image/own:1" not in {str(each.key) for each in found}
    assert Need(ResourceKey("image", "a"), "image") in found.resources[ResourceKey("container", "b")].needs


def test_what_goes_into_an_image_is_read_once_whoever_asks(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []

    def noted(recipe: Build) -> list[str]:
        read.append(Path(recipe.context))
        return build_files(recipe)

    monkeypatch.setattr("reconciler.kinds.image.inputs.build_files", noted)
    found = whole(here, build("").rstrip() + "\ncontainers: {a: {image: lab}, b: {image: lab}, c: {build: ctx}}\n")
    assert len(found.of_kind("image")) == 2
    assert read == [here / "ctx", here / "ctx"], "once for each of two images"


@pytest.mark.parametrize(
    ("entry", "stands_for"),
    [
        ("  base: {pull: 'theirs:1'}\n", "image/base"),
        ("  base: {pull: {image: 'docker.io/library/theirs:1', policy: always}}\n", "image/base"),
        ("  base: {external: true, name: 'theirs:1'}\n", "image/base"),
        ("containers: {box: {image: 'docker.io/theirs:1'}}\n", "image/docker.io/theirs:1"),
    ],
)
def test_an_image_is_built_on_what_is_pulled_or_external_by_its_reference(
    here: Path, entry: str, stands_for: str
) -> None:
    plain = spec(here, build(), KEY)
    (here / "ctx/Dockerfile").write_text("FROM theirs:1\n")
    without = spec(here, build(), KEY).inputs
    found = resource(here, build() + entry, KEY)
    assert [str(each.key) for each in found.needs] == [stands_for]
    assert isinstance(found.spec, ImageSpec)
    assert isinstance(found.spec.recipe, Build)
    assert dict(found.spec.recipe.bases) == {"theirs:1": "theirs:1"}
    assert found.spec.inputs == without != plain.inputs


def test_a_reference_that_cannot_be_is_told_once_though_a_build_looks_for_it(here: Path) -> None:
    (found,) = problems(here, build() + "  base: {pull: 'A B'}\n")
    assert "'A B' is not a reference to an image" in found


def test_a_secret_argument_counts_as_well(here: Path) -> None:
    one, other = (spec(here, build(f", args: {{API_TOKEN: {each}}}"), KEY) for each in ("one", "other"))
    assert one.inputs != other.inputs


@pytest.mark.parametrize(
    ("image", "said", "another", "inspected"),
    [
        ("busybox:1", "busybox:1", False, 0),
        ("reconciler/t/lab:in-1", "reconciler/t/lab:in-1", True, 0),
        ("sha256:old", "reconciler/t/lab:in-1", True, 1),
        ("sha256:old", "sha256:" + 64 * "0", False, 1),
        ("sha256:old", None, False, 1),
    ],
)
def test_whether_an_image_is_another_than_a_container_runs_is_told_by_the_list_where_it_names_that(
    tmp_path: Path, image: str, said: str | None, another: bool, inspected: int
) -> None:
    row = {"Id": "box", "Image": image, "ImageID": "sha256:old"}
    same = {"Id": "it", "Image": "sha256:new", "ImageID": "sha256:new"}
    found: dict[str, Any] = {"GET /_ping": PONG, "GET /containers/json": [row, same]}
    if said:
        found["GET /containers/box/json"] = {"Config": {"Image": said}}
    key = ResourceKey("image", "lab")
    step = Step(StepKey(key, Verb.CREATE), Change(key, Action.CREATE), topology="t")
    with (
        FakeEngine(tmp_path, lambda call, _: (200, found[call]) if call in found else 404) as fake,
        Host(engine_url=fake.url) as host,
    ):
        wanted = ImageSpec(reference="reconciler/t/lab:in-2")
        assert _is_another(step, host.engine, wanted, "sha256:new") is another
        assert fake.count("GET /containers/box/json") == inspected
