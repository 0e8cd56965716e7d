"""Topologies that are made to cost much: in time, in memory, in depth."""

from __future__ import annotations

from collections.abc import Callable, Mapping

Files = Mapping[str, bytes]
MANY = 20_000


def main(text: str | bytes, **others: str) -> Files:
    """Return a topology with files beside it, `_` standing for a dot."""
    content = text if isinstance(text, bytes) else text.encode()
    return {"t.yaml": content, **{name.replace("_", "."): each.encode() for name, each in others.items()}}


def _laughs(first: str, form: str) -> str:
    steps = zip("abcdefghijklmnopqrst", "bcdefghijklmnopqrstu", strict=True)
    return f"name: x\nx-a: &a {first}\n" + "".join(f"x-{b}: &{b} {form.replace('*', f'*{a}')}\n" for a, b in steps)


def _each(count: int, form: str) -> str:
    return ", ".join(form.replace("#", str(number)) for number in range(count))


def _chain(form: str, count: int) -> str:
    """Anchors each of which stands for the one before."""
    links = (f"x-{n + 1}: &a{n + 1} {form.replace('*a', f'*a{n}')}\n" for n in range(count))
    return f"name: x\nx-0: &a0 {{image: x}}\n{''.join(links)}containers: {{c: *a{count}}}\n"


def _pile(opening: str, count: int = 200_000) -> str:
    return f"name: x\nx-a:\n  {opening * count}"


BOMBS: Mapping[str, Callable[[], Files]] = {
    "laughs in lists": lambda: main(_laughs("[lol, lol]", "[*, *, *, *, *, *, *, *, *]")),
    "laughs in mappings": lambda: main(_laughs("{a: lol}", "{a: *, b: *, c: *, d: *, e: *, f: *}")),
    "laughs in merges": lambda: main(_laughs("{a: lol}", "{<<: [*, *, *, *, *, *, *, *], b: *}")),
    "laughs in text": lambda: main(_laughs(f'"{"lol" * 9999}"', "[*, *, *, *, *, *, *, *, *]")),
    "laughs in .env": lambda: main(
        "name: $a29\n", _env="a0=lollollol\n" + "".join(f"a{n + 1}=$a{n}$a{n}\n" for n in range(30))
    ),
    "one variable many times": lambda: main("name: " + "$a" * 50_000 + "\n", _env=f"a={'x' * 50_000}\n"),
    "one that is not set many times": lambda: main("name: " + "$a" * 500_000 + "\n"),
    "many that are not set": lambda: main("name: " + "".join(f"$a{n}" for n in range(100_000)) + "\n"),
    "what is not set in .env": lambda: main("name: $a\n", _env=f"a={'$b' * 500_000}\n"),
    "a long value in single quotes": lambda: main("name: $a\n", _env=f"a='{'x' * (8 << 20)}"[: 8 << 20]),
    "a long value in double quotes": lambda: main("name: $a\n", _env=f'a="{"x" * (8 << 20)}'[: 8 << 20]),
    "what is not set in an env_file": lambda: main(
        "name: x\ncontainers: {c: {image: x, env_file: e_env}}\n".replace("e_env", "e.env"),
        e_env=f"a={'$b' * 500_000}\n",
    ),
    "a variable in many places": lambda: main(
        f"name: x\nx-a: [{_each(50_000, '$a')}]\nx: 1\n", _env=f"a={'x' * 99_999}\n"
    ),
    "defaults in variables": lambda: main("name: x\nx-a: '" + "${A:-" * 50_000 + "}" * 50_000 + "'\n"),
    "open variables": lambda: main("name: x\nx-a: '" + "${A:-$" * 50_000 + "'\n"),
    "lists in lists": lambda: main(_pile("[")),
    "mappings in mappings": lambda: main(_pile("{a: ")),
    "blocks in blocks": lambda: main(_pile("- ")),
    "keys in keys": lambda: main(_pile("? ")),
    "lists that are closed": lambda: main("name: x\nx-a: " + "[" * 100_000 + "]" * 100_000 + "\n"),
    "many anchors": lambda: main(f"name: x\nx-a: [{_each(MANY, '&a# #')}]\nx: [{_each(MANY, '*a#')}]\n"),
    "many empty lists": lambda: main("name: x\nx: [" + "[]," * 100_000 + "]\n"),
    "many documents": lambda: main("--- a\n" * 100_000),
    "many directives": lambda: main("".join(f"%TAG !a{n}! tag:a\n" for n in range(MANY)) + "---\nname: x y\n"),
    "many comments": lambda: main("# a comment\n" * 200_000),
    "many wrong words": lambda: main("name: x\n" + "".join(f"word{n}: 1\n" for n in range(MANY))),
    "many wrong attributes": lambda: main(f"name: x\nbridges: {{{_each(5_000, 'b#: {mut#: 1}')}}}\n"),
    "many wrong values": lambda: main(f"name: x\nbridges: {{{_each(5_000, 'b#: {mtu: x}')}}}\n"),
    "many wrong names": lambda: main(f"name: x\nbridges: {{{_each(MANY, '.b#: ')}}}\n"),
    "many unknown references": lambda: main(
        f"name: x\nbridges: {{{_each(3_000, 'b#: {namespace: n#}')}}}\nnamespaces: {{{_each(3_000, 'm#: ')}}}\n"
    ),
    "many unknown nodes": lambda: main(
        f"name: x\nveths: [{_each(3_000, '[a#:a, b#:b]')}]\nnamespaces: {{{_each(3_000, 'm#: ')}}}\n"
    ),
    "many unknown images": lambda: main(
        f"name: x\nimages: {{{_each(1_500, 'lab#x: {pull: x}')}}}\ncontainers: {{{_each(1_500, 'c#: {image: lab#}')}}}\n"
    ),
    "many equal claims": lambda: main(f"name: x\nbridges: {{{_each(2_000, 'b#: {addresses: [10.0.0.1/24]}')}}}\n"),
    "many links in a circle": lambda: main(
        f"name: x\nnetworks: {{n: }}\ncontainers: {{{_each(1_000, 'c#: {image: x, networks: [n], links: [c0, c999, c500]}')}}}\n"
    ),
    "many circles": lambda: main(
        f"name: x\ncontainers: {{{_each(200, 'c#: {image: x, depends_on: [' + _each(200, 'c#').replace('#', '%') + ']}')}}}\n".replace(
            "%", "0"
        )
    ),
    "many equal elements": lambda: main(f"name: x\nbridges: {{b: {{ports: [{_each(MANY, 'a')}]}}}}\n"),
    "many subnets": lambda: main(
        f"name: x\nnetworks: {{n: {{ipam: {{config: [{_each(2_000, '{subnet: 10.0.0.0/8}')}]}}}}}}\n"
    ),
    "many ports": lambda: main("name: x\ncontainers: {c: {image: x, ports: ['1-30000:1-30000', 5]}}\nx: 1\n"),
    "many ports by ranges": lambda: main(
        f"name: x\ncontainers: {{{_each(60, 'c#: {image: x, ports: [&127.0.0.#:1-65535:1-65535&]}').replace('&', chr(34))}}}\n"
    ),
    "many exposed ports": lambda: main(
        f"name: x\ncontainers: {{{_each(60, 'c#: {image: x, network_mode: none, expose: [1-65535]}')}}}\n"
    ),
    "many ports that several want": lambda: main(
        f"name: x\ncontainers: {{{_each(7, 'c#: {image: x, ports: [&1-9000:1-9000&]}').replace('&', chr(34))}}}\n"
    ),
    "many ports that one wants twice": lambda: main(
        f"name: x\ncontainers: {{c: {{image: x, ports: [{_each(7, '&1-9000:1-9000&').replace('&', chr(34))}]}}}}\n"
    ),
    "one port at many addresses": lambda: main(
        "name: x\nx: 1\ncontainers:\n  c:\n    image: x\n    ports:\n"
        + "".join(f"      - 127.1.{n // 256}.{n % 256}:80:80\n" for n in range(MANY))
    ),
    "many ports in ranges of others": lambda: main(
        "name: x\ncontainers:\n"
        + "".join(f"  c{n}: {{image: x, ports: ['1-65000:80', '{n + 1}:81']}}\n" for n in range(3_000))
    ),
    "networks shared in a chain": lambda: main(
        "name: x\nx: 1\ncontainers:\n  c0: {image: x}\n"
        + "".join(f"  c{n + 1}: {{image: x, network_mode: 'service:c{n}', exec: [a]}}\n" for n in range(3_000))
    ),
    "many CPUs": lambda: main("name: x\ncontainers: {c: {image: x, cpuset: '0-999999999999'}}\n"),
    "many includes": lambda: main(f"name: x\ninclude: [{_each(MANY, 'a#.yaml')}]\n"),
    "a huge number": lambda: main(f"name: x\nbridges: {{b: {{mtu: {'9' * 1_000_000}}}}}\n"),
    "a huge restart": lambda: main(
        f"name: x\ncontainers: {{c: {{image: x, restart: 'on-failure:{'9' * 100_000}'}}}}\n"
    ),
    "a huge duration": lambda: main(f"name: x\nbridges: {{b: {{ageing_time: {'9' * 100_000}h}}}}\n"),
    "a huge size": lambda: main(f"name: x\ncontainers: {{c: {{image: x, mem_limit: {'9' * 100_000}p}}}}\n"),
    "a huge port": lambda: main(f"name: x\ncontainers: {{c: {{image: x, ports: ['{'9' * 100_000}:80']}}}}\n"),
    "a huge CPU count": lambda: main(f"name: x\ncontainers: {{c: {{image: x, cpus: {'1' * 100_000}x}}}}\n"),
    "a huge name": lambda: main(f"name: {'a' * 1_000_000}\n"),
    "a huge sysctl": lambda: main(f"name: x\nnamespaces: {{n: {{sysctls: {{'{'a.' * 50_000} ': 1}}}}}}\n"),
    "a huge endpoint": lambda: main(f"name: x\nveths: [['{'a' * 50_000}{' ' * 50_000}!', b]]\n"),
    "a huge reference": lambda: main(f"name: x\ncontainers: {{c: {{image: '{'a-' * 20_000}!'}}}}\n"),
    "a huge host": lambda: main(f"name: x\ncontainers: {{c: {{image: '{'a.' * 20_000}!/x'}}}}\n"),
    "a huge command": lambda: main(f"name: x\ncontainers: {{c: {{image: x, command: '{'a ' * 100_000}\"'}}}}\n"),
    "a huge scalar": lambda: main(f"name: x\nx: '{'a' * 7_000_000}'\n"),
    "a huge key": lambda: main(f"name: x\n? {'a' * 1_000_000}\n: 1\n"),
    "a huge tag": lambda: main(f"name: x\nx-a: !{'a' * 1_000_000} 1\n"),
    "many values": lambda: main("name: x\nx-a: [" + "1," * 3_000_000 + "]\nx: 1\n"),
    "many keys": lambda: main(f"name: x\nx-a: {{{_each(300_000, 'a#: 1')}}}\nx: 1\n"),
    "many values beside a comment": lambda: main(
        "#" * 7_000_000 + "\nname: x\nx-a: &a [" + "1," * 10_000 + "]\nx-b: [" + "*a," * 600 + "]\n"
    ),
    "merges in merges": lambda: main(_chain("{<<: *a}", 3_000)),
    "aliases in aliases": lambda: main(_chain("[*a]", 900)),
    "one env_file many times": lambda: main(
        f"name: x\ncontainers: {{c: {{image: x, env_file: [{'e.env, ' * 3_000}]}}}}\n", e_env="A=1\n" * 5_000
    ),
    "one env_file for many": lambda: main(
        f"name: x\ncontainers: {{{_each(3_000, 'c#: {image: x, network_mode: none, env_file: e.env}')}}}\n",
        e_env="".join(f"A{n}=b\n" for n in range(1_000)),
    ),
    "a huge file": lambda: main(b"#" * (9 << 20)),
    "a huge .env": lambda: main("name: $A\n", _env="B=1\n" * 100_000),
    "blanks in .env": lambda: main("name: $A\n", _env="B=" + " " * 100_000 + "x" + " " * 100_000 + "#\n!\n"),
    "an open quote in .env": lambda: main("name: $A\n", _env='B="' + "\\n" * 100_000 + "\n"),
    "blanks in an env_file": lambda: main(
        "name: x\ncontainers: {c: {image: x, env_file: [a.env]}}\n", a_env="B=" + " " * 100_000 + "x\n!\n"
    ),
    "many secrets that are alike": lambda: main(
        f"name: x\ncontainers: {{c: {{image: x, environment: {{{_each(4_000, 'K#_KEY: z0000#')}}}, {_each(1_500, 'o#: 1')}}}}}\n"
    ),
    "many secrets that begin alike": lambda: main(
        f"name: x\nx-a: {{{_each(2_000, 'K#_KEY: ' + 'a' * 9)}}}\nx: {'a' * 100_000}\n"
        + "".join(f"x-{number}: {{KEY: {'a' * number}}}\n" for number in range(8, 1_000))
    ),
    "many options that may be secret": lambda: main(f"name: x\nx-a: '{'key=1234,' * 200_000}'\nx: 1\n"),
    "many secrets in an env_file": lambda: main(
        "name: x\ncontainers: {c: {image: x, env_file: [a.env], oops: 1}}\n",
        a_env="".join(f"V{number}=a b{number}c\n" for number in range(50_000)),
    ),
    "an env_file that is too large": lambda: main(
        "name: x\ncontainers: {c: {image: x, env_file: [a.env], oops: 1}}\n", a_env="A=1234567\n" * 800_000
    ),
    "a huge env_file": lambda: main(
        "name: x\ncontainers: {c: {image: x, env_file: [a.env]}}\n", a_env="B=1\n" * 100_000 + "!\n"
    ),
}
