"""The contract of a kind: every kind is found by itself, and keeps it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import MISSING, FrozenInstanceError, fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
from live.attributes import declared, values
from live.evidence import CHANGED, REMOVED, Claim, told

from reconciler import kinds as package
from reconciler.kinds import kinds
from reconciler.kinds.base import Kind
from reconciler.kinds.source import NODES
from reconciler.model import Spec, Verb
from reconciler.watch import load_code

SCHEMA: dict[str, Any] = json.loads((Path(__file__).parents[1] / "schemas/topology.schema.json").read_text())
EVERY = list(kinds().values())
NOT_KINDS = {"name", "prefix", "include", "defaults", "host"}
"""What stands at the top of a file and declares no resource of its own kind."""

each_kind = pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.name)


def overridden(kind: Kind, method: str) -> bool:
    return getattr(type(kind), method) is not getattr(Kind, method)


@each_kind
def test_a_kind_is_called_as_its_module(kind: Kind) -> None:
    assert re.fullmatch("[a-z]+", kind.name)
    module = sys.modules[f"{package.__name__}.{kind.name}"]
    assert vars(module)["KIND"] is kind


@each_kind
def test_a_spec_is_frozen_hashable_and_has_a_default_for_everything_but_its_name(kind: Kind) -> None:
    assert issubclass(kind.spec, Spec)
    assert is_dataclass(kind.spec)
    required = [each.name for each in fields(kind.spec) if each.default is MISSING and each.default_factory is MISSING]
    assert set(required) <= {"name"}
    spec = kind.spec(*required)
    hash(spec)
    with pytest.raises(FrozenInstanceError):
        setattr(spec, fields(spec)[0].name, None)


@each_kind
def test_an_attribute_is_chosen_by_the_host_uncompared_or_secret_or_nothing_special(kind: Kind) -> None:
    for each in fields(kind.spec):
        assert set(each.metadata) <= {"chosen", "uncompared", "secret"}, each.name
        assert each.default is None or "chosen" not in each.metadata, each.name


@each_kind
def test_a_kind_reads_makes_and_removes(kind: Kind) -> None:
    for method in ("parse", "observe", Verb.CREATE, Verb.DELETE):
        assert overridden(kind, method), method
    assert overridden(kind, "mutable") == overridden(kind, Verb.UPDATE)


@each_kind
def test_a_kind_says_what_it_lives_in_and_how_much_it_takes_at_once(kind: Kind) -> None:
    assert kind.uses
    assert kind.uses <= {"engine", "kernel"}
    assert kind.batch >= 1


@each_kind
def test_what_may_come_out_the_same_is_made_before_the_old_one_goes(kind: Kind) -> None:
    # Else what stands on the old one would have to be unmade before anyone knows whether it has to be.
    assert kind.create_before_delete or not kind.tentative


@each_kind
def test_a_kind_is_read_under_another_that_is_there(kind: Kind) -> None:
    assert kind.part_of in {"", *kinds()}
    assert kind.part_of != kind.name


@each_kind
def test_a_section_is_in_the_schema(kind: Kind) -> None:
    if kind.section:
        assert SCHEMA["properties"][kind.section]
        assert SCHEMA["$defs"][kind.section.removesuffix("s")]["properties"]


def test_every_section_has_its_kind() -> None:
    sections = [kind.section for kind in EVERY if kind.section]
    assert sorted(sections) == sorted(SCHEMA["properties"].keys() - NOT_KINDS)
    assert NODES.items() <= {kind.section: kind.name for kind in EVERY}.items()


def test_kinds_come_in_the_order_of_their_names() -> None:
    assert list(kinds()) == sorted(kinds())


def test_kinds_are_found_without_a_vendors_library() -> None:
    code = (
        "import sys; from reconciler.kinds import kinds; kinds()\n"
        "print(*sorted({'docker', 'pyroute2', 'networkx', 'requests', 'jsonschema', 'typer'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


GADGET = '''
from reconciler.kinds.base import Kind
from reconciler.model import Spec
from reconciler.value import dataclass

@dataclass(frozen=True)
class GadgetSpec(Spec):
    """A gadget."""
    name: str = ""

class GadgetKind(Kind):
    """A gadget."""
    name = "gadget"
    spec = GadgetSpec

KIND = GadgetKind()
'''


@pytest.fixture
def gadget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder in which a kind and a module that is none lie, beside the others."""
    (tmp_path / "gadget.py").write_text(GADGET)
    (tmp_path / "gadgetry.py").write_text("SHARED = 1\n")
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    kinds.cache_clear()
    yield
    kinds.cache_clear()
    for name in ("gadget", "gadgetry"):
        sys.modules.pop(f"{package.__name__}.{name}", None)
        vars(package).pop(name, None)


def test_a_new_file_is_a_new_kind(gadget: None) -> None:
    assert sorted(kinds()) == sorted([*(each.name for each in EVERY), "gadget"])
    assert kinds()["gadget"].spec.__name__ == "GadgetSpec"


# How the live tests know which attributes they applied (tests/live/attributes.py)


def test_every_attribute_of_the_schema_is_known_by_a_path() -> None:
    paths = declared(SCHEMA)
    assert {"container.hostname", "endpoint.hairpin", "build.context", "bridge.stp", "host.routes"} <= paths
    tops = {f"{name}.{each}" for name, node in SCHEMA["$defs"].items() for each in node.get("properties", ())}
    assert tops <= paths


def test_what_a_topology_uses_is_found_through_references_lists_and_alternatives() -> None:
    document = {
        "name": "t",
        "images": {"lab": {"build": {"context": "."}}, "other": {"pull": "busybox"}},
        "containers": {"web": {"hostname": "w", "networks": {"lan": {"aliases": ["a"]}}}, "db": None},
        "veths": [["a:eth1", "b:eth1"], {"endpoints": ["a:eth2", {"container": "web", "mtu": 9000}], "mtu": 9000}],
        "x-note": {"hostname": "none"},
    }
    found = {attribute for _, attribute in values(json.dumps(document))}
    assert found <= declared(SCHEMA)
    expected = {"image.build", "build.context", "image.pull", "container.hostname", "endpoint.mtu", "veth.mtu"}
    assert expected <= found
    assert not {"container.image", "endpoint.mac", "build.target"} & found
    assert any(each.startswith("container.networks") and each.endswith("aliases") for each in found)


def test_what_a_plan_names_counts_for_an_attribute_only_where_nothing_else_could_be_meant() -> None:
    def seen(before: object, after: object, key: str, *paths: str) -> set[tuple[str, str]]:
        one, other = (json.dumps({"containers": {"web": each}}) for each in (before, after))
        return {each for each in told(Claim(one, other, key, paths)) if each[0] != "containers"}

    one, other = {"mem_limit": "1m", "user": "a"}, {"mem_limit": "2m"}
    assert seen(one, other, "container/web", "mem_limit") == {("container.mem_limit", CHANGED)}
    assert seen(one, other, "container/web", "user") == {("container.user", REMOVED)}
    assert seen(other, one, "container/web", "user") == set(), "it came"
    assert seen(one, other, "container/db", "user") == set(), "another's"
    check = [{"test": "true", "retries": each, "interval": f"{each}s"} for each in (1, 2)]
    both = seen({"healthcheck": check[0]}, {"healthcheck": check[1]}, "container/web", "healthcheck.retries")
    assert both == {("container.healthcheck", CHANGED)}, "which of the two it was cannot be told"
    assert seen(one, one, "container/web", "mem_limit") == {("container.mem_limit", CHANGED)}, "a hand did it"


def test_every_module_can_be_the_first_to_be_imported() -> None:
    code = (
        "import importlib, pkgutil, sys, reconciler\n"
        "names = [each.name for each in pkgutil.walk_packages(reconciler.__path__, 'reconciler.')]\n"
        "for name in names:\n"
        "    if name != 'reconciler.__main__':\n"
        "        for loaded in [each for each in sys.modules if each.startswith('reconciler')]:\n"
        "            del sys.modules[loaded]\n"
        "        importlib.import_module(name)\n"
        "print(len(names))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 100


def test_what_looks_does_not_load_parts_of_the_engines_client_itself() -> None:
    """One thread of a look loads the client, whole: another one that loaded a part of it would wait for that one."""
    code = (
        "import importlib, pathlib, sys\n"
        "from reconciler.kinds import kinds\n"
        "kinds()\n"
        "import reconciler.observe\n"
        "for each in sys.argv[1:]:\n"
        "    importlib.import_module(f'reconciler.kinds.{each}.look')\n"
        "print(*(each for each in sys.modules if each.partition('host.')[2].split('.')[0] == 'engine'))"
    )
    looks = [each.parent.name for each in Path(package.__path__[0]).glob("*/look.py")]
    assert "image" in looks
    argv = [sys.executable, "-c", code, *looks]
    assert subprocess.run(argv, capture_output=True, text=True, check=True).stdout == "\n"


def test_all_of_the_kinds_and_of_what_reads_files_can_be_loaded_beforehand_and_no_heavy_library_with_it() -> None:
    code = (
        "import sys; from reconciler.watch import load_code; load_code();"
        " print(*(each for each in ('docker', 'jsonschema', 'networkx', 'typer') if each in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"
    load_code()
    whole = Path(package.__path__[0]).parents[1]
    folders = (whole / "reconciler" / each for each in ("kinds", "topology"))
    files = (each.relative_to(whole).with_suffix("") for folder in folders for each in folder.rglob("*.py"))
    modules = {".".join(each.parts).removesuffix(".__init__") for each in files}
    assert modules <= sys.modules.keys()
