"""Which values are secret, and that none of them is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from reconciler.diff import diff
from reconciler.errors import FileInvalid, Position, Problem, StepFailed
from reconciler.kinds import kinds
from reconciler.kinds.interpolate import interpolate
from reconciler.kinds.labelled import secrets_label, veiled_as_noted
from reconciler.model import (
    EMPTY,
    Action,
    Change,
    Changes,
    FieldChange,
    FrozenMap,
    Outcome,
    Plan,
    Report,
    Resource,
    ResourceKey,
    Spec,
    Status,
    Step,
    StepKey,
    Topology,
    Verb,
    has_secret,
    secret,
    secret_paths,
    spelled,
    with_secret,
)
from reconciler.plan import plan
from reconciler.render import plan_json, plan_lines, show_json
from reconciler.render.values import discreet, hidden, plain, sealed, shown, text
from reconciler.secret import MARKER, Secret, _Known, looks_secret, masked, publish, veiled, veiled_within
from reconciler.secret.index import Index
from reconciler.topology import load
from reconciler.value import dataclass


@dataclass(frozen=True)
class Inner(Spec):
    words: tuple[str, ...] = ()
    number: int = 0


@dataclass(frozen=True)
class Thing(Spec):
    word: str = ""
    inner: Inner = Inner()
    entries: FrozenMap[str] = EMPTY


@pytest.mark.parametrize(
    "name",
    [
        "PASSWORD",
        "PGPASSWORD",
        "MYSQL_ROOT_PASSWORD",
        "db_passwd",
        "PASSPHRASE",
        "SECRET",
        "AWS_SECRET_ACCESS_KEY",
        "apiToken",
        "GITHUB_TOKEN",
        "KEY",
        "API_KEY",
        "APIKEY",
        "sshKey",
        "KEYS",
        "CREDENTIALS",
        "GOOGLE_CREDENTIAL",
        "PRIVATE_PEM",
        "AUTH",
        "HTTP_AUTH",
        "Authorization",
        "DSN",
        "SENTRY_DSN",
        "DB_PASS",
        "db.pass",
        "DB_PWD",
        "ADMIN_PIN",
        "SALT",
        "SESSION_COOKIE",
        "CREDS",
        "SSHPASS",
        "DBPASS",
        "mysqlPass",
        "ADMINPASS",
        "ACCESSKEY",
        "encryptionkey",
        "ENCRYPTIONKEY_OLD",
        "GITHUB_PAT",
        "SMTP_PW",
        "ROOTPW",
        "COMMONKEY",
    ],
)
def test_a_name_looks_secret(name: str) -> None:
    assert looks_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        "PWD",
        "OLDPWD",
        "HOME",
        "PATH",
        "LOG_LEVEL",
        "MONKEY",
        "KEYBOARD",
        "AUTHOR",
        "COMPASS",
        "PASSENGER",
        "BYPASS",
        "NO_PROXY_BYPASS",
        "encompass",
        "TURKEY",
        "VALKEY_HOST",
        "hotkey",
        "PATTERN",
        "PAT_URL",
        "SSH_ASKPASS",
        "COMPAT",
        "PASSTHROUGH",
        "PINNED",
        "SALTY",
        "DATABASE",
        "USER",
        "A",
        "",
        "x" * 300 + "_PASSWORD",
    ],
)
def test_a_name_does_not_look_secret(name: str) -> None:
    assert not looks_secret(name)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("postgres://me:pa55word@db:5432/x", True),
        ("redis://:pa55word@cache", True),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nabc", True),
        ("http://db:5432/x@y", False),
        ("http://me@db/", False),
        ("-----BEGIN PUBLIC KEY-----", False),
        ("robot:pa55word@reg.local:5000/x", True),
        ("--proxy=robot:pa55word@proxy:3128", True),
        ("busybox:1.36@sha256:" + "0" * 64, False),
        ("busybox:1.36@sha256:${DIGEST}", False),
        ("git@github.com:me/mine", False),
        ("mailto:me@example.org", False),
        ("npm:left@1.2.3", False),
    ],
)
def test_a_value_is_secret_by_its_form(value: str, found: bool) -> None:
    assert isinstance(veiled("URL", value), Secret) is found


@pytest.mark.parametrize("_", ["one test", "another"])
def test_what_one_test_calls_secret_or_public_no_other_knows_of(_: str) -> None:
    assert masked("lantern and harbour") == "lantern and harbour"
    Secret("lantern")
    Secret("harbour")
    assert masked("lantern and harbour") == f"{MARKER} and {MARKER}"
    publish(["harbour"])


def test_a_secret_is_a_text_like_any_other_and_stays_one() -> None:
    found = Secret("a secret of mine")
    assert found == "a secret of mine"
    assert hash(found) == hash("a secret of mine")
    assert isinstance(str(found), Secret)
    assert json.dumps(found) == '"a secret of mine"'


def test_what_is_known_is_masked_in_whichever_form_it_is_told() -> None:
    value = 'tricky "one" with ä/ and more'
    Secret(value)
    as_json = json.dumps({"A": value})
    for form, told in (
        (value, "(secret)"),
        (as_json, '{"A": "(secret)"}'),
        (repr(value), "'(secret)'"),
        (quote(value), "(secret)"),
        (quote(value, safe=""), "(secret)"),
        (quote_plus(value), "(secret)"),
        (quote(as_json), "%7B%22A%22%3A%20%22(secret)%22%7D"),
        (f"buildargs={quote_plus(as_json)}", "buildargs=%7B%22A%22%3A+%22(secret)%22%7D"),
    ):
        assert masked(f"before {form} after") == f"before {told} after", form
    Secret('it\'s "both" of them')
    assert masked(repr('it\'s "both" of them')) == "'(secret)'"


def test_the_lines_and_the_password_of_a_secret_are_masked_too() -> None:
    Secret("first line of it\n  second line of it\nok")
    Secret("amqp://guest:hidden-in-a-url@queue/")
    assert masked("x second line of it") == "x (secret)"
    assert masked("login hidden-in-a-url refused, ok") == "login (secret) refused, ok"


def test_the_longer_one_is_masked_first_and_a_short_one_only_as_a_word() -> None:
    Secret("zanzibar")
    Secret("zanzibar-and-more")
    Secret("qx7")
    Secret("qx77")
    Secret("true")
    assert masked("zanzibar-and-more, zanzibarian") == "(secret), (secret)ian"
    Secret("qx77-and-more")
    assert masked("qx77-and-more qx77-and-mole qx77-andes") == "(secret) (secret)-and-mole (secret)-andes"
    Secret("vuvu")
    Secret("vuvuzela-of-mine")
    assert masked("vuvuzela-of-mice") == "vuvuzela-of-mice"
    assert masked("qx77 aqx77 qx77b (qx77) qx7 true") == "(secret) aqx77 qx77b ((secret)) qx7 true"


@pytest.mark.parametrize("word", ["true", "False", "none", "null", "yes", "disabled", "enabled", "default", "DEFAULT"])
def test_what_is_somebodys_password_and_a_value_of_everybody_is_told(word: str) -> None:
    Secret(word)
    assert masked(f"tty: {word}") == f"tty: {word}"


def test_what_is_public_is_told_though_it_serves_as_a_password() -> None:
    Secret("publicword")
    assert masked("a publicword") == "a (secret)"
    publish(["publicword"])
    publish(["publicword"])
    assert masked("a publicword") == "a publicword"


def test_what_stands_within_a_public_word_is_told_with_it_and_nowhere_else() -> None:
    for each in ("admin", "admin-ui-2", "postgres", "gres", "default"):
        Secret(each)
    publish(["admin-ui", "db--postgres-1"])
    assert masked("+ container/admin-ui: admin") == "+ container/admin-ui: (secret)"
    assert masked("admin-ui-2 my-admin-ui") == "(secret) my-admin-ui"
    assert masked("a/db--postgres-1: postgres-1, ostgres postgres") == "a/db--postgres-1: (secret)-1, ostgres (secret)"
    assert masked("admin") == "(secret)"


def test_a_name_that_is_secret_itself_makes_no_word_public_in_which_it_stands() -> None:
    Secret("postgres")
    publish([Secret("hunter22"), "@hunter22:latest", "postgres-db"])
    assert masked("image/@hunter22:latest, image/hunter22, postgres-db") == (
        "image/@(secret):latest, image/(secret), postgres-db"
    )


def test_the_keys_of_a_plan_are_told_though_passwords_stand_in_them(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(
        "name: lab\ncontainers:\n"
        '  postgres-db: {image: "postgres:16", environment: {POSTGRES_PASSWORD: postgres}}\n'
        '  admin-ui: {image: "alpine:3", environment: {ADMIN_PASSWORD: admin}}\n'
    )
    changes = diff(load(tmp_path / "t.yaml", kinds=kinds()), Topology("lab"), kinds=kinds(), keep=frozenset())
    told = plan_json(plan(changes, kinds=kinds()), hide=sealed(b"k"))
    keys = [str(each.key) for each in changes.pending]
    assert [each["key"] for each in told["changes"]] == keys
    assert {each["key"] for each in told["steps"]} == set(keys)
    assert {each for step in told["steps"] for each in step["after"]} <= {each["step"] for each in told["steps"]}
    lines = "\n".join(map(masked, plan_lines(changes)))
    assert MARKER not in lines
    assert "container/postgres-db" in lines


def test_the_paths_of_the_files_and_their_folder_are_told_though_a_password_stands_in_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = tmp_path / "example-shop"
    shop.mkdir()
    monkeypatch.chdir(tmp_path)
    for include, wrong in (("", "volumess: [./d:/c], "), ("include: [more-example.yaml]\n", "")):
        (shop / "example.yaml").write_text(
            f"name: web\n{include}containers:\n  db: {{image: nginx, {wrong}environment: {{PASSWORD: example}}}}\n"
        )
        (shop / "more-example.yaml").write_text("containers:\n  b: {image: nginx, wrong: 1}\n")
        with pytest.raises(FileInvalid) as error:
            load("example-shop/example.yaml", kinds=kinds())
        file, line = ("more-example", 2) if include else ("example", 3)
        assert str(error.value).startswith(f"example-shop/{file}.yaml:{line}:")
    told = f"{shop}/example.yaml in {shop}, {shop}/data"
    assert masked(told) == told
    assert masked("example of example-shop, example.yaml") == "(secret) of (secret)-shop, (secret).yaml"


def test_the_path_of_a_file_that_a_secret_variable_names_is_not_told(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text("name: web\ninclude: ['${TOKEN}.yaml']\n")
    (tmp_path / "hunter22.yaml").write_text("containers:\n  b: {image: nginx, wrong: 1}\n")
    with pytest.raises(FileInvalid) as error:
        load(tmp_path / "t.yaml", kinds=kinds(), environment={"TOKEN": "hunter22"})
    assert str(error.value).startswith("(secret):2:")


@pytest.mark.parametrize(
    "said",
    [
        "containers: {w: {image: x, env_file: $SECRET_FILE}}",
        "containers: {w: {image: x, volumes: [{type: bind, source: $SECRET_FILE, target: /a}]}}",
        "images: {i: {import: $SECRET_FILE}}",
        "images: {i: {load: $SECRET_FILE}}",
        "images: {i: {build: $SECRET_FILE}}",
        "images: {i: {build: {context: ., dockerfile: $SECRET_FILE}}}",
        "include: [$SECRET_FILE]",
    ],
)
@pytest.mark.parametrize("named", ["hunter22", "{}/hunter22", "missing22"], ids=["relative", "absolute", "missing"])
def test_a_path_may_be_what_a_secret_variable_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, named: str
) -> None:
    (tmp_path / "t.yaml").write_text(f"name: web\n{said}\nwrong: 1\n")
    (tmp_path / "hunter22").write_text("")
    monkeypatch.chdir(tmp_path)
    opened = set[str]()
    with pytest.raises(FileInvalid) as error:
        load("t.yaml", kinds=kinds(), environment={"SECRET_FILE": named.format(tmp_path)}, opened=opened)
    assert "hunter22" not in str(error)
    assert {type(each) for each in opened} == {str}


def test_the_numbers_of_ports_are_told_though_one_is_a_password(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(
        "name: lab\ncontainers:\n"
        '  web: {image: nginx, ports: ["8080:5432", "[2001:db8::1]:8180-8185:80"], expose: [9090],'
        " environment: {DB_PASS: 8080, PIN: 5432, A_KEY: 8185, B_KEY: 9090, C_KEY: 8081, D_KEY: 2001, E_KEY: 7777}}\n"
    )
    changes = diff(load(tmp_path / "t.yaml", kinds=kinds()), Topology("lab"), kinds=kinds(), keep=frozenset())
    assert masked("0.0.0.0:8080 → 5432/tcp, 8180-8185, 9090/tcp") == "0.0.0.0:8080 → 5432/tcp, 8180-8185, 9090/tcp"
    assert masked("8081 2001 7777 18080") == "(secret) (secret) (secret) 18080"
    made = changes.by_key[ResourceKey("container", "web")].desired
    assert made is not None
    assert plain(made.spec)["environment"]["DB_PASS"] == MARKER
    live = {"ports": FrozenMap({"80/tcp": ("0.0.0.0:7777",)})}
    process = Resource(ResourceKey("process", "web"), Thing(), live=live)
    publish(kinds()["process"].public(process))
    assert masked("0.0.0.0:7777 → 80/tcp") == "0.0.0.0:7777 → 80/tcp"


def test_the_break_at_the_end_of_a_block_is_no_part_of_what_is_looked_for() -> None:
    Secret("battery-of-horses\n")
    assert masked("denied for battery-of-horses as root") == "denied for (secret) as root"


def test_every_password_of_a_list_of_urls_is_masked_and_as_it_is_meant() -> None:
    Secret("amqp://u:firstpass1@h1,amqp://u:secondpass2@h2")
    Secret("postgres://u:p%40ssw0rd1@h/db")
    assert masked("firstpass1 secondpass2 p%40ssw0rd1 p@ssw0rd1") == "(secret) (secret) (secret) (secret)"


def test_a_huge_secret_is_masked_by_its_lines_and_where_it_was_cut_off_by_its_pieces() -> None:
    long = "".join(f"{number:06d}" for number in range(2_000))
    Secret(f"the first of them\n{long}")
    assert masked("the first of them") == "(secret)"
    assert masked(f"denied: {long}!") == "denied: (secret)!"
    assert masked(f"denied: {long[:640]}…{long[-64:]}") == "denied: (secret)…(secret)"
    assert len(masked(long[30:4000])) < 2 * 64 + len(MARKER)


def test_secrets_that_overlap_or_touch_are_masked_as_one() -> None:
    Secret("abcdefghijkl")
    Secret("ijklmnopqrst")
    Secret("abcdefghi")
    assert masked("abcdefghijklmnopqrst abcdefghiabcdefghijk") == "(secret) (secret)jk"


def test_a_marker_is_never_looked_into() -> None:
    Secret("secret")
    Secret("12345678")
    assert masked(masked("the secret 12345678")) == "the (secret) (secret)"
    assert masked("(secret 12345678)") == "(secret 12345678)"


def test_the_words_of_a_plan_are_told_though_one_of_them_is_a_password() -> None:
    words = {*kinds(), *map(str, Action), *map(str, Verb), *map(str, Status)}
    for each in words:
        Secret(each)
    for each in words:
        assert masked(f"+ {each}/a") == f"+ {each}/a"


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("addr=10.0.0.1,username=joe,password=hunter22pw", "hunter22pw"),
        ("--user=x --password=hunter22pw", "hunter22pw"),
        ("PASSWORD=hunter22 pw", "hunter22 pw"),
        ("sh -c 'TOKEN=hunter22,pw run'", "hunter22,pw"),
        ('run --api-key="hunter22pw"', "hunter22pw"),
    ],
)
def test_a_text_is_secret_in_which_a_secret_name_has_a_value(said: str, value: str) -> None:
    assert isinstance(veiled_within(said), Secret)
    assert masked(f"no {value}!") == "no (secret)!"


@pytest.mark.parametrize("said", ["a=b", "size=1m,mode=777", "select key from t where a=1", "--password=", "password"])
def test_a_text_is_not_secret_in_which_no_secret_name_has_a_value(said: str) -> None:
    assert not isinstance(veiled_within(said), Secret)


def test_no_error_has_a_secret_in_it() -> None:
    Secret("in-an-error")
    problem = Problem(Position("t.yaml", 1, 1), "a", "'in-an-error' is no size", "not in-an-error")
    assert str(problem) == "t.yaml:1:1: a: '(secret)' is no size (not (secret))"
    assert str(FileInvalid([problem])) == str(problem)
    assert str(StepFailed("container/web: in-an-error: no such user")) == "container/web: (secret): no such user"


def test_a_text_into_which_a_secret_variable_was_put_is_secret_as_a_whole() -> None:
    values = {"TOKEN": "put-into-it", "WORD": "plain-word", "URL": "x://a:in-the-url@b"}
    assert isinstance(interpolate("--t=${TOKEN}", values.get), Secret)
    assert isinstance(interpolate("${TOKEN:-x}", values.get), Secret)
    assert isinstance(interpolate("${NONE:-$TOKEN}", values.get), Secret)
    assert isinstance(interpolate("${NO_PASSWORD:-by-default}", values.get), Secret)
    assert isinstance(interpolate("$URL", values.get), Secret)
    assert not isinstance(interpolate("${WORD} ${TOKEN:+set} $$TOKEN", values.get), Secret)


def test_the_secrets_of_a_spec_are_found_and_put_back() -> None:
    bare = Thing("a", Inner(("b", "c"), 1), FrozenMap({"x.y": "d", "z": "e"}))
    paths = [("word",), ("inner", "words"), ("entries", "x.y")]
    made = bare
    for path in paths:
        made = with_secret(made, path)
    assert made == bare
    assert sorted(secret_paths(made)) == sorted(paths)
    assert has_secret(made)
    assert not has_secret(bare)
    assert not isinstance(made.entries["z"], Secret)


def test_a_path_that_leads_nowhere_leaves_a_spec_as_it_is() -> None:
    bare = Thing("a")
    for path in [("nothing",), ("entries", "nothing"), ("word", "x"), ("inner", "number")]:
        assert not has_secret(with_secret(bare, path))


def test_what_a_label_names_is_secret_and_a_label_of_somebody_else_is_no_fault() -> None:
    made = Thing(Secret("a"), entries=FrozenMap({"k": Secret("b")}))
    assert has_secret(veiled_as_noted(Thing("a"), secrets_label(made)).word)
    assert not has_secret(veiled_as_noted(Thing("a"), secrets_label(Thing("a"))))
    for strange in ("", "{", "7", "[7]", "[[7]]", '"x"'):
        assert veiled_as_noted(Thing("a"), {"reconciler.secret": strange}) == Thing("a")
    assert not has_secret(veiled_as_noted(Thing("a"), None))


def test_a_secret_is_rendered_as_a_marker_as_a_digest_or_as_it_is() -> None:
    value = (Secret("s3cr3t-value"), "b", Secret(""))
    assert text(value) == '[(secret), b, ""]'
    assert plain(value) == ["(secret)", "b", ""]
    assert plain(value, hide=shown) == ["s3cr3t-value", "b", ""]
    assert type(plain(value, hide=shown)[0]) is str
    one, other = sealed(b"k1"), sealed(b"k2")
    assert plain(value, hide=one) == plain(value, hide=one) != plain(value, hide=other)
    assert plain(Secret("x"), hide=one) != plain(Secret("y"), hide=one)
    assert len(plain(Secret("x"), hide=one)) == len("(secret 12345678)")


def read(folder: Path, text: str) -> list[Resource]:
    (folder / "t.yaml").write_text(f"name: lab\n{text}\n")
    return [*load(folder / "t.yaml", kinds=kinds(), environment={"TOKEN": "hunter22"})]


@pytest.mark.parametrize(
    "said",
    [
        *(
            f"containers: {{a: {{image: x, {each}}}}}"
            for each in (
                'command: "run --pw ${TOKEN} -x"',
                "command: [run, '--password=hunter22']",
                'entrypoint: "run ${TOKEN}"',
                'healthcheck: {test: "run ${TOKEN}"}',
                'labels: ["api-token=hunter22"]',
                'labels: {api-token: "hunter22"}',
                'hostname: "${TOKEN}"',
                'working_dir: "/${TOKEN}"',
                'volumes: ["/${TOKEN}:/x"]',
                'volumes: [{type: bind, source: "/${TOKEN}", target: "/a"}]',
                'tmpfs: ["/t:${TOKEN}"]',
                'extra_hosts: ["${TOKEN}=1.1.1.1"]',
                'devices: ["/dev/${TOKEN}"]',
                'sysctls: ["kernel.domainname=${TOKEN}"]',
                'logging: {driver: splunk, options: {tag: "${TOKEN}"}}',
                'command: [run, "${NO_PASSWORD:-hunter22}"]',
            )
        ),
        "x-c: {password: &p hunter22}\ncontainers: {a: {image: x, command: [run, *p]}}",
        'volumes: {v: {driver_opts: {type: cifs, o: "username=joe,password=hunter22"}}}',
        'networks: {n: {labels: ["api-token=hunter22"]}}',
        'namespaces: {r: {sysctls: {net.a: "${TOKEN}"}}}',
        "namespaces: {r: {sysctls: [net.ipv4.tcp_fastopen_key=hunter22]}}",
    ],
)
def test_what_is_made_of_a_secret_is_secret_wherever_it_is_put(said: str, tmp_path: Path) -> None:
    found = read(tmp_path, said)
    assert any(has_secret(each.spec) for each in found)
    assert "hunter22" not in json.dumps([plain(each.spec) for each in found])


@pytest.mark.parametrize(
    "said",
    [
        "volumes: {v: {driver_opts: {password: 47114711}}}",
        "containers: {a: {image: x, labels: {api-token: 47114711}}}",
        "containers: {a: {image: x, logging: {driver: splunk, options: {splunk-token: 47114711}}}}",
        "namespaces: {r: {sysctls: {net.ipv6.conf.default.stable_secret: 47114711}}}",
    ],
)
def test_a_number_under_a_secret_name_is_secret(said: str, tmp_path: Path) -> None:
    assert "47114711" not in json.dumps([plain(each.spec) for each in read(tmp_path, said)])


@pytest.mark.parametrize(
    "said",
    [
        'volumes: [{type: bind, source: /x, target: "/${TOKEN}"}]',
        'tmpfs: ["/${TOKEN}:size=1m"]',
        'image: "reg/${TOKEN}:1"',
        'image: "${TOKEN}"',
    ],
)
def test_a_secret_that_has_become_a_name_is_not_told_either(said: str, tmp_path: Path) -> None:
    found = read(tmp_path, f"x-t: ${{TOKEN}}\ncontainers: {{a: {{<<: {{image: x}}, {said}}}}}")
    assert "hunter22" not in json.dumps(show_json("lab", found))


def test_what_json_holds_is_discreet_in_all_its_texts_and_keeps_its_own_names_and_numbers() -> None:
    Secret("47114711")
    Secret("unknown")
    told = {"unknown": [47114711, None, "x-47114711"], "a./47114711": True}
    assert discreet(told) == {"unknown": [47114711, None, "x-(secret)"], "a./(secret)": True}
    assert discreet(told, hide=shown) == told
    assert discreet("47114711", hide=sealed(b"k")) == sealed(b"k")("47114711")
    assert text("47114711" * 40, hide=hidden) == "(secret)"


@dataclass(frozen=True)
class Held(Spec):
    word: str = ""
    environment: FrozenMap[str] = secret()
    labels: FrozenMap[str] = EMPTY


def everything(password: str) -> list[object]:
    """What a program of somebody else may print, all with a password in it."""
    spec = Held(Secret(password), FrozenMap({"A": password}), FrozenMap({"B": Secret(password)}))
    key = ResourceKey("container", "web")
    held = Resource(key, spec, handle={"raw": password})
    fields = (FieldChange("environment.A", password, None, secret=True), FieldChange("word", "", Secret(password)))
    change = Change(key, Action.UPDATE, "", held, held, fields)
    topology = Topology("t", {key: held})
    step = Step(StepKey(key, Verb.UPDATE), change)
    plan = Plan(Changes(topology, topology, {key: change}), {step.key: step})
    failed = Outcome(step, Status.FAILED, StepFailed(f"refused: {password}"))
    return [held, change, topology, plan, Report(plan, (failed,), (change,)), failed.error]


def test_nothing_that_a_program_prints_has_a_secret_in_it() -> None:
    for each in everything("hunter22"):
        assert "hunter22" not in f"{each!r} {each}"
        assert MARKER in repr(each)
    assert repr(Held()) == "Held(word='', environment=FrozenMap({}), labels=FrozenMap({}))"
    assert (repr(Secret("")), repr(FieldChange("a", "", None, secret=True))) == (
        "''",
        "FieldChange('a', '', None, forces=False)",
    )


@pytest.mark.parametrize(
    "value", [("a",), ("a", 1, ()), "it's", FrozenMap({"a": ("b",)}), Held("a", EMPTY), None, True]
)
def test_what_a_digest_is_made_of_is_as_it_is_told_where_nothing_is_secret(value: object) -> None:
    assert spelled(value) == repr(value)


def test_what_a_digest_is_made_of_has_the_secrets_in_it() -> None:
    spec = Held(Secret("hunter22"), FrozenMap({"A": "hunter23"}), FrozenMap({"B": Secret("hunter24")}))
    assert spelled(("x", spec)) == (
        "('x', Held(word='hunter22', environment=FrozenMap({'A': 'hunter23'}), labels=FrozenMap({'B': 'hunter24'})))"
    )
    assert spelled([("a", Secret("hunter25")), 1]) == "[('a', 'hunter25'), 1]"


@pytest.mark.parametrize("value", [{"a": "b"}, {"a"}, frozenset(("a",))])
def test_what_could_hold_a_secret_out_of_sight_goes_into_no_digest(value: object) -> None:
    with pytest.raises(TypeError, match=type(value).__name__):
        spelled((value,))


def test_a_secret_that_comes_while_another_thread_masks_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    known, building, go_on = _Known(), threading.Event(), threading.Event()
    known.add("hunter31")

    class Slow(Index):
        def __init__(self, texts: Iterable[str], public: frozenset[str] = frozenset()) -> None:
            super().__init__(texts, public)
            building.set()
            go_on.wait(0.2)

    def hide(_: str) -> str:
        known.publish(("hunter32",))  # as another thread may between two parts of a text
        return MARKER

    monkeypatch.setattr("reconciler.secret.Index", Slow)
    with ThreadPoolExecutor(2) as pool:
        told = pool.submit(known.masked, f"hunter31 {MARKER} hunter31", hide)
        assert building.wait(5)
        pool.submit(known.add, "hunter33").result()
        go_on.set()
        assert told.result() == f"{MARKER} {MARKER} {MARKER}"
    assert known.masked("hunter33", lambda _: MARKER) == MARKER
