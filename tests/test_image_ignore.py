"""What a `.dockerignore` leaves out, as Docker's documentation and its own tests say."""

from __future__ import annotations

import time

import pytest

from reconciler.kinds.image.ignore import Ignore, Malformed

ALL = ("file", "dir/file", "dir/dir2/file")
DOCUMENTED = {
    # Docker's documentation of the file
    "*/temp*": ("a/temp a/temporary.txt a/temp/x", "temp a/b/temp"),
    "*/*/temp*": ("a/b/temporary.txt a/b/temp/x", "a/temp"),
    "temp?": ("tempa tempb/x", "temp tempab a/tempa"),
    "**/*.go": ("a.go x/a.go x/y/a.go", "a.god go"),
    "*.md\n!README.md": ("a.md", "README.md x/a.md"),
    "*.md\n!README*.md\nREADME-secret.md": ("README-secret.md a.md", "README.md README-more.md"),
    "*.md\nREADME-secret.md\n!README*.md": ("a.md", "README-secret.md README.md"),
    "# a comment\n\n/foo/bar\n": ("foo/bar foo/bar/x", "foo x/foo/bar"),
    "  foo \r\n": ("foo", "bar"),
    ".": ("", "a"),
    "/": ("", "a"),
    # the tests of its matcher
    "**": (" ".join(ALL), ""),
    "**/": (" ".join(ALL), ""),
    "**/**": ("dir/file", ""),
    "dir/**": ("dir/file dir/dir2/file", "dir file"),
    "**/dir": ("dir dir/file x/dir", "xdir dirx"),
    "**/dir2/*": ("dir/dir2/file dir/dir2/file/x", "dir/dir2"),
    "**/dir2/**": ("dir/dir2/dir3/file", "dir/dir2"),
    "**file": ("file dir/file xfile dir/xfile", "filex"),
    "**/file": ("file dir/dir/file", "xfile"),
    "**/file*txt": ("dir/file.txt", "dir/file.txt2"),
    "**/file*.txt*": ("dir/dir/file.txt", "dir/filetxt"),
    "**/**/*.txt": ("file.txt dir/dir/file.txt", "file.txt2"),
    "a**/*.txt": ("a/file.txt a/dir/dir/file.txt", "b/file.txt"),
    "a/*.txt": ("a/file.txt", "a/dir/file.txt"),
    "a/*.txt**": ("a/file.txt a/file.txt2", "a/file"),
    "a[b-d]e": ("ace", "ae aae"),
    "a[^b-d]e": ("aze", "ace"),
    ".*": (".foo", "foo"),
    "abc.def": ("abc.def", "abcdef abcZdef"),
    "abc?def": ("abcZdef", "abcdef"),
    "**/foo/bar": ("foo/bar dir/dir2/foo/bar", "foo"),
    "**/.foo": (".foo dir/.foo", "bar.foo"),
    "a(b)c/def": ("a(b)c/def", "a(b)c/xyz"),
    "a.|)$(}+{bc": ("a.|)$(}+{bc", "a"),
    "dist/*.whl": ("dist/a-2.4.0rc3+g08-py3.whl", "dist/whl"),
    "**\n!util/docker/web": ("util/docker", "util/docker/web util/docker/web/foo"),
    "**\n!util/docker/web\nutil/docker/web/foo": ("util/docker/web/foo", "util/docker/web/bar"),
    "!a.go\n*.go": ("a.go", ""),
    "docs\n!docs/README.md": ("docs docs/x", "docs/README.md"),
    "docs/*\n!docs/README.md": ("docs/x", "docs docs/README.md"),
    "a\\\\": ("a\\", "a"),
    "a\\*b": ("a*b", "ab axb"),
    "a*b*c*d*e*/f": ("axbxcxdxe/f axbxcxdxexxx/f", "axbxcxdxe/xxx/f axbxcxdxexxx/fff"),
    "a*b?c*x": ("abxbbxdbxebxczzx", "abxbbxdbxebxczzy"),
    "a?b": ("a☺b", "a/b"),
    "a???b": ("", "a☺b"),
    "[a-\u03b6]*": ("\u03b1", "A"),
    "[\\]a]": ("] a", "b"),
    "[x\\-]": ("x -", "z"),
    "[\\-x]": ("x -", "a"),
    # what a reading by other rules gets wrong
    "\ufeffsecret.env": ("secret.env", "a"),
    "secret\\.env": ("secret.env", "secretxenv"),
    "[!s]*": ("secret !a", "a"),
    "#c": ("", "#c"),
    " #c": ("#c", "c"),
    "SECRET": ("SECRET", "secret"),
    "../secret": ("", "secret"),
    "a/../secret": ("secret", "a"),
    "a//b/./c/": ("a/b/c", "a/b"),
    "! a\n": ("", "a"),
    "**/x /": ("x a/x", "a"),
    "a/ /": ("a", "b"),
    "/ /": ("", "a"),
    "*\n!a /": ("b", "a"),
    "*\n!**/*.txt": ("a a/b", "a.txt a/b/c.txt"),
    "caf\udce9": ("caf\udce9", "café"),
}


def left_out(ignore: Ignore, path: str) -> bool:
    place, out = ignore.top, False
    for name in path.split("/"):
        out, place = ignore.look(place, name)
    return out


@pytest.mark.parametrize(("text", "out", "kept"), [(text, *both) for text, both in DOCUMENTED.items()])
def test_the_last_pattern_that_matches_a_path_or_a_folder_above_it_decides(text: str, out: str, kept: str) -> None:
    ignore = Ignore(text)
    assert [each for each in out.split() if not left_out(ignore, each)] == []
    assert [each for each in kept.split() if left_out(ignore, each)] == []


@pytest.mark.parametrize(
    "pattern",
    [
        "!",
        "!/",
        "! /",
        "!//",
        "[",
        "a[",
        "[^",
        "[^bc",
        "[]a]",
        "[-]",
        "[x-]",
        "[-x]",
        "[a-b-c]",
        "\\",
        "[z-a]",
        "[a\\",
        "[a-",
    ],
)
def test_what_docker_refuses_is_refused(pattern: str) -> None:
    with pytest.raises(Malformed, match="is no pattern"):
        Ignore(f"fine\n{pattern}\n")


@pytest.mark.parametrize("text", ["*a" * 25 + "b", "**/" * 25 + "b", "*" * 500 + "b", "a" * 5000])
def test_no_pattern_takes_long(text: str) -> None:
    began = time.monotonic()
    ignore = Ignore(text)
    assert not any(left_out(ignore, path) for path in ("a" * 200, "a/" * 100 + "a", "a" * 200))
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("text", "searched"),
    [("*", False), ("*\n!a/b", True), ("*\n!b", False), ("*\n!**/x", True), ("*\n!a\n*", False)],
)
def test_a_folder_that_is_left_out_is_searched_where_an_exception_may_be_in_it(text: str, searched: bool) -> None:
    ignore = Ignore(text)
    out, place = ignore.look(ignore.top, "a")
    assert out
    assert ignore.brings_back(place) is searched


def test_steps_that_are_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.kinds.image.ignore._MOST", 2)
    assert left_out(Ignore("*.py"), "abcdef.py")
