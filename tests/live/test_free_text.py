"""Free text of a file reaches engine and kernel as it stands: no shell, template, option, mark or terminal reads it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from live import snapshot
from live.lab import busybox_tar
from live.test_cli import Cli, made
from live.witness import ip

pytestmark = pytest.mark.live

MADE = "was-run"
TEXTS = (
    f"$(touch {MADE})",
    f"`touch {MADE}`",
    f"'; touch {MADE}; '",
    f'"; touch {MADE}; "',
    f"x\ntouch {MADE}\n",
    f"| touch {MADE} #",
    "--privileged",
    "-v /:/host",
    "{{.Config.Env}} {0} %s %(x)s \\1 \\n",
    "a=b,c=d:e;f\t g ",
    "\x1b[31mred\x1b[0m\x07\x08",
    "\u202e right to left \u2066",
    "../../etc/passwd",
    "reconciler.topology=other",
    "*",
    "~",
    "!important &x *y",
)
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
"""What a terminal obeys, but for the end of a line."""


def escaped(value: Any) -> Any:
    """Write a value so that the file means it literally: `$` begins a variable."""
    if isinstance(value, dict):
        return {escaped(key): escaped(each) for key, each in value.items()}
    if isinstance(value, list):
        return [escaped(each) for each in value]
    return value.replace("$", "$$") if isinstance(value, str) else value


def written(sections: dict[str, Any]) -> str:
    """Write each section on a line of its own; a JSON text is YAML as well."""
    return "".join(f"{name}: {json.dumps(escaped(section))}\n" for name, section in sections.items())


@pytest.fixture
def cli(tmp_path: Path, engine: Any, image: str) -> Iterator[Cli]:
    """The command line, in a folder whose name is free text as well."""
    folder = tmp_path / "a $(touch was-run) `touch was-run` 'b' \"c\" ;#*"
    folder.mkdir()
    yield from made(folder, {})


def topology(image: str, texts: tuple[str, ...]) -> dict[str, Any]:
    values = {f"N{number}": text for number, text in enumerate(texts)}
    return {
        "images": {
            "built": {
                "build": {"context": "con text", "dockerfile": "Docker file;$(x)", "args": values, "labels": values}
            },
            "root": {"import": {"path": "ro ot;$(x).tar", "changes": ["CMD sh"]}},
            "kept": {"commit": {"container": "box", "message": texts[2], "author": texts[0]}},
        },
        "volumes": {"data": {"labels": {"N": TEXTS[4]}}},
        "networks": {"lan": {"labels": values}},
        "containers": {
            "box": {
                "image": image,
                "init": True,
                "entrypoint": ["sh", "-c", "sleep 1000"],
                "command": list(texts),
                "environment": values,
                "labels": values,
                "healthcheck": {"test": ["CMD", "true", *texts], "interval": "300ms"},
                "volumes": [
                    {"type": "volume", "source": "data", "target": f"/da ta/{texts[0]}"},
                    {"type": "bind", "source": "./con text", "target": "/b'in\"d"},
                ],
                "networks": ["lan"],
                "exec": [["printf", "%s", *texts]],
            }
        },
        "namespaces": {
            "red": {"exec": ["ip link add note type bridge || true", ["ip", "link", "set", "note", "alias", texts[0]]]}
        },
    }


def insist_on(api: Any, cli: Cli, texts: tuple[str, ...]) -> None:
    """Insist that engine and kernel were told the texts, letter by letter."""
    values = {f"N{number}": text for number, text in enumerate(texts)}
    [note] = (each for each in ip("link", "show", netns=f"{cli.name}-red") if each["ifname"] == "note")
    assert note["ifalias"] == texts[0]
    box = api.inspect_container(f"{cli.name}-box")
    assert box["Config"]["Cmd"] == list(texts)
    assert box["Config"]["Healthcheck"]["Test"] == ["CMD", "true", *texts]
    assert {f"{name}={text}" for name, text in values.items()} <= set(box["Config"]["Env"])
    assert not box["HostConfig"]["Privileged"]
    assert {f"/da ta/{texts[0]}", "/b'in\"d"} == {each["Destination"] for each in box["Mounts"]}
    assert api.inspect_volume(f"{cli.name}-data")["Labels"]["N"] == TEXTS[4]
    labelled = [box["Config"]["Labels"], api.inspect_network(f"{cli.name}-lan")["Labels"]]
    [built] = (each for each in api.images() for tag in each["RepoTags"] or () if f"{cli.name}/built:in-" in tag)
    for labels in (*labelled, built["Labels"]):
        assert values.items() <= labels.items()
        assert labels.get("reconciler.topology", cli.name) == cli.name
    [kept] = (each["Id"] for each in api.images() for tag in each["RepoTags"] or () if f"{cli.name}/kept:in-" in tag)
    assert (api.inspect_image(kept)["Comment"], api.inspect_image(kept)["Author"]) == (texts[2], texts[0])


def test_free_text_is_handed_on_as_it_stands_and_run_by_nobody(cli: Cli, engine: Any, image: str) -> None:
    before = snapshot.at_rest(engine)
    (cli.folder / "con text").mkdir()
    declared = "".join(f"ARG N{number}\n" for number in range(len(TEXTS)))
    (cli.folder / "con text" / "Docker file;$(x)").write_text(f"FROM {image}\n{declared}COPY . /here\n")
    (cli.folder / "ro ot;$(x).tar").write_bytes(busybox_tar())
    said = ""
    for texts in (TEXTS, TEXTS[::-1]):
        cli.write(written(topology(image, texts)))
        for arguments in (["plan"], ["apply", "-v"], ["plan", "--detailed-exitcode"], ["show"]):
            done = cli(*arguments)
            assert done.returncode == 0, done.stdout + done.stderr
            said += done.stdout + done.stderr
        insist_on(engine, cli, texts)
    for arguments in (["plan", "--json"], ["show", "--json"], ["ls"], ["destroy", "--volumes", "--images", "--now"]):
        done = cli(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        said += done.stdout + done.stderr
    assert CONTROLS.findall(said) == []
    assert list(cli.folder.rglob(MADE)) == []
    assert not any(Path(each, MADE).exists() for each in (Path.cwd(), Path("/"), Path.home(), "/tmp"))
    assert snapshot.differences(before, snapshot.settled(before, engine)) == {}
