"""Which values are secret, and that none of them is told."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from reconciler.errors import FileInvalid, Position, Problem, StepFailed
from reconciler.kinds.interpolate import interpolate
from reconciler.kinds.labelled import secrets_label, veiled
from reconciler.model import EMPTY, FrozenMap, Spec, has_secret, secret_paths, with_secret
from reconciler.render.values import plain, sealed, shown, text
from reconciler.secret import MARKER, Secret, looks_secret, masked, publish
from reconciler.secret import veiled as by_name
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
    ],
)
def test_a_value_is_secret_by_its_form(value: str, found: bool) -> None:
    assert isinstance(by_name("URL", value), Secret) is found


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
    for form in (value, json.dumps(value), repr(value), quote(value), quote(value, safe="")):
        assert "tricky" not in masked(f"before {form} after"), form
        assert masked(f"before {form} after").startswith("before ")


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
    assert masked("qx77 aqx77 qx77b (qx77) qx7 true") == "(secret) aqx77 qx77b ((secret)) qx7 true"


def test_what_is_public_is_told_though_it_serves_as_a_password() -> None:
    Secret("publicword")
    assert masked("a publicword") == "a (secret)"
    publish(["publicword"])
    publish(["publicword"])
    assert masked("a publicword") == "a publicword"


def test_a_huge_secret_is_masked_by_its_lines() -> None:
    Secret("\n".join(["the first of them", "y" * 10_000]))
    assert masked("the first of them") == "(secret)"
    assert masked("y" * 10_000) == "y" * 10_000


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
    assert has_secret(veiled(Thing("a"), secrets_label(made)).word)
    assert not has_secret(veiled(Thing("a"), secrets_label(Thing("a"))))
    for strange in ("", "{", "7", "[7]", "[[7]]", '"x"'):
        assert veiled(Thing("a"), {"reconciler.secret": strange}) == Thing("a")
    assert not has_secret(veiled(Thing("a"), None))


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
