"""Which images a Dockerfile refers to, and the same Dockerfile with other references."""

from __future__ import annotations

import pytest

from reconciler.kinds.image.bases import bases_of
from reconciler.kinds.image.dockerfile import beyond_classic, rewritten, uses


@pytest.mark.parametrize(
    ("text", "references"),
    [
        ("FROM busybox", ["busybox"]),
        ("from busybox as one\nRUN x\n", ["busybox"]),
        ("  FROM  --platform=linux/amd64 busybox:1.36  AS  one", ["busybox:1.36"]),
        ("FROM scratch\nFROM Scratch AS x", []),
        ("FROM a AS One\nFROM one\nFROM b", ["a", "b"]),
        ("FROM a\nCOPY --from=b /x /y\nCOPY --chown=1 --from=c /x /y\nCOPY x y", ["a", "b", "c"]),
        ("FROM a AS one\nFROM b\nCOPY --from=One /x /y\nCOPY --from=0 /x /y", ["a", "b"]),
        ("# FROM x\nFROM \\\n  # a comment in between\n\n  a \\\n AS one\nFROM one", ["a"]),
        ("FROM a \\", ["a"]),
        ("RUN echo FROM x", []),
        ("ARG B=busybox\nFROM $B", ["busybox"]),
        ("ARG B=\"busybox\" V='1'\nFROM ${B}:$V", ["busybox:1"]),
        ('ARG B\nFROM "${B:-busybox}"', ["busybox"]),
        ("ARG B=x\nFROM ${B:-busybox}", ["x"]),
        ("ARG B=x\nFROM a${B:+-slim}", ["a-slim"]),
        ("ARG B\nFROM a${B:+-slim}", ["a"]),
        ("ARG V=1 R=lab\nARG B=$R:${V}\nFROM $B", ["lab:1"]),
        ("FROM a$NONE", ["a"]),
        ("FROM a AS one\nARG B=late\nFROM b$B", ["a", "b"]),
        ("# escape=`\nFROM a `\n AS one\nCOPY --from=b c:\\ d:\\\nFROM one", ["a", "b"]),
        ("# syntax=x\n#Escape = `\nFROM `\na", ["a"]),
        ("# a comment\n# escape=`\nFROM \\\na", ["a"]),
        ("FROM a\nRUN <<EOF cat <<-'END' >x\nFROM b\nEOF\nFROM c\n\tEND\nFROM d", ["a", "d"]),
        ("FROM a\nONBUILD COPY <<e /x\nFROM b\ne\r\nFROM c", ["a", "c"]),
        ('FROM a\nRUN echo "b <<EOF c" $((1<<3)) <<<x\nENV x <<EOF \nFROM d', ["a", "d"]),
        ("FROM a\nRUN <<EOF\nFROM b", ["a", "b"]),
        ("FROM a\u2028FROM b", []),
        ("", []),
    ],
)
def test_the_images_that_a_dockerfile_names(text: str, references: list[str]) -> None:
    assert [each.reference for each in uses(text, {})] == references


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("FROM a\nRUN <<EOF\necho 1\nEOF\n", [(2, "a heredoc")]),
        ("FROM a\n\n# b\nRUN true \\\n  && cat <<-'EOF' >/x\nRUN --mount=x y\n\tEOF\r\nRUN x", [(4, "a heredoc")]),
        ("FROM a\nONBUILD COPY <<e <<f /x/\n1\ne\n2\nf\nADD <<e /x\ne", [(2, "a heredoc"), (7, "a heredoc")]),
        ("FROM a\nRUN echo $((1 <<EOF)) '<<x' <<EOF <<<x\nx\n", []),
        ("FROM a\nRUN --mount=type=cache,target=/x true", [(2, "`--mount`")]),
        ("FROM a\nrun --network=none true\nRUN --security=insecure x", [(2, "`--network`"), (3, "`--security`")]),
        (
            "FROM a\nCOPY --chown=1 --chmod=755 a b\nADD --checksum=sha256:1 a b",
            [(2, "`--chmod`"), (3, "`--checksum`")],
        ),
        ("FROM a\nCOPY --link --parents a b\nCOPY --exclude=a b", [(2, "`--parents`"), (3, "`--exclude`")]),
        ("FROM a\nCOPY --link --from=b a b\nRUN echo --mount=x\nONBUILD RUN --mount=x y\nENV --mount=x", []),
        ("RUN --mount=x y\nFROM a", [(1, "`--mount`")]),
    ],
)
def test_what_only_buildkit_does_is_found_with_its_line(text: str, found: list[tuple[int, str]]) -> None:
    assert list(beyond_classic(text, "")) == found


@pytest.mark.parametrize(
    ("target", "lines"), [("", [3, 5, 7]), ("ONE", [3]), ("0", [3]), ("1", [3, 5]), ("two", [3, 5, 7])]
)
def test_what_only_buildkit_does_matters_up_to_the_stage_that_is_built(target: str, lines: list[int]) -> None:
    text = "ARG X\nFROM a AS One\nRUN --mount=x y\nFROM One\nRUN --mount=x y\nFROM b AS two\nRUN --mount=x y"
    assert [line for line, _ in beyond_classic(text, target)] == lines


def test_variables_that_double_each_other_end() -> None:
    text = "ARG A=xxxxxxxxxx\n" + "".join(
        f"ARG A{i}=${{A{i - 1 if i else ''}}}${{A{i - 1 if i else ''}}}\n" for i in range(60)
    )
    assert [len(each.reference) for each in uses(f"{text}FROM $A59{'$A59' * 9999}\n", {})] == [4096]


def test_a_build_argument_goes_before_its_default() -> None:
    text = "ARG B=busybox\nARG C\nFROM $B:$C\n"
    assert [each.reference for each in uses(text, {"B": "lab", "C": "2", "D": "3"})] == ["lab:2"]


def test_only_references_that_stand_for_others_are_rewritten_wherever_they_stand() -> None:
    text = "# lab\r\nARG B=lab\r\nFROM $B AS one\r\nFROM lab AS two\r\nCOPY --from=lab /lab /x\r\nFROM other\r\n"
    assert rewritten(text, {}, {"lab": "long/lab:1"}) == (
        "# lab\r\nARG B=lab\r\nFROM long/lab:1 AS one\r\nFROM long/lab:1 AS two\r\n"
        "COPY --from=long/lab:1 /lab /x\r\nFROM other\r\n"
    )


def test_a_reference_on_a_continued_line_is_rewritten_in_its_place() -> None:
    assert rewritten("FROM \\\n# note\n  lab \\\n  AS one\n", {}, {"lab": "x"}) == "FROM \\\n# note\n  x \\\n  AS one\n"


class Known:
    """Two entries, of which one has a tag."""

    def named(self, name: str) -> bool:
        return name in ("lab", "top")

    def tagged(self) -> dict[str, str]:
        return {"me/lab:latest": "lab"}

    def referred(self) -> dict[str, str]:
        return {"me/lab:latest": "other", "theirs:1": "theirs"}


@pytest.mark.parametrize(
    ("text", "bases"),
    [
        ("FROM lab", {"lab": "lab"}),
        ("FROM me/lab", {"me/lab": "lab"}),
        ("FROM docker.io/me/lab:latest", {"docker.io/me/lab:latest": "lab"}),
        ("FROM docker.io/library/theirs:1", {"docker.io/library/theirs:1": "theirs"}),
        ("FROM busybox", {}),
        ("FROM top", {}),
        ("FROM $NONE", {}),
    ],
)
def test_an_image_is_built_on_entries_by_name_tag_or_reference_and_never_on_itself(
    text: str, bases: dict[str, str]
) -> None:
    assert bases_of(Known(), "top", text, {}) == bases
