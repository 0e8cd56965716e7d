"""The commands that only look: validate, plan, show, ls, schema; each returns its exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from reconciler.cli import options as o
from reconciler.cli.output import complain, hide, say, say_json, style
from reconciler.cli.reading import chosen, loaded, loaded_or_named, note_out_of_sight, out_of_reach, warn_of_others
from reconciler.host import ENGINE_TIMEOUT, PATIENCE
from reconciler.model import DEFAULT_FILE, Plan, Resource

if TYPE_CHECKING:
    from reconciler.host import Host


def validate(file: o.File = None, *, name: o.Name = None, _debug: o.Debug = False, _verbose: o.Verbose = False) -> int:
    """Say all that is wrong with a topology file.

    This needs no Docker and no root.
    """
    desired = loaded(file, name)
    say([f"{DEFAULT_FILE if file is None else file}: valid: topology {desired.name} with {len(desired)} resources"])
    return 0


def plan(
    file: o.File = None,
    *,
    name: o.Name = None,
    target: o.Target = None,
    replace: o.Replace = None,
    adopt: o.Adopt = None,
    no_prune: o.NoPrune = False,
    detailed_exitcode: o.DetailedExitCode = False,
    json: o.Json = False,
    out: o.Out = None,
    engine_timeout: o.EngineTimeout = ENGINE_TIMEOUT,
    patience: o.Patience = PATIENCE,
    _secrets: o.ShowSecrets = False,
    _debug: o.Debug = False,
    _verbose: o.Verbose = False,
) -> int:
    """Say what would be done, and why.

    Nothing is written, apart from the plan that --out saves.
    """
    from reconciler import saved
    from reconciler.host import Host
    from reconciler.kinds import kinds
    from reconciler.observe import needed_and_unavailable
    from reconciler.reconcile import not_supported, prepare

    if out:
        saved.check_source(file)
    host = Host(engine_timeout=engine_timeout, patience=patience)
    options = chosen(target, replace, adopt, no_prune=no_prune)
    made = prepare(loaded(file, name), host, kinds=kinds(), options=options)
    _say_plan(made, host, json=json)
    warn_of_others(made, named=bool(name))
    missing = needed_and_unavailable(made.changes.observed, host, made.changes.desired)
    if missing:
        return out_of_reach(missing)
    note_out_of_sight(made)
    if refused := list(not_supported(made.changes, host, kinds=kinds())):
        return max(map(complain, refused))
    if out:
        saved.save(out, made, machine=host.key, options=options)
    return 2 if detailed_exitcode and made.changes.pending else 0


def _say_plan(made: Plan, host: Host, *, json: bool) -> None:
    from reconciler.render import plan_json, plan_lines

    if json:
        say_json(plan_json(made, hide=hide(host)))
    else:
        say(plan_lines(made.changes, style=style(sys.stdout)))


def show(
    file: o.File = None,
    *,
    name: o.Name = None,
    json: o.Json = False,
    engine_timeout: o.EngineTimeout = ENGINE_TIMEOUT,
    patience: o.Patience = PATIENCE,
    _secrets: o.ShowSecrets = False,
    _debug: o.Debug = False,
    _verbose: o.Verbose = False,
) -> int:
    """Say what is live: states, addresses, ports, peers.

    Without FILE, --name alone will do.
    """
    from reconciler.host import Host
    from reconciler.kinds import kinds
    from reconciler.observe import needed_and_unavailable, observe

    declared = loaded_or_named(file, name)
    host = Host(engine_timeout=engine_timeout, patience=patience)
    observed = observe(host, declared, kinds=kinds())
    missing = needed_and_unavailable(observed, host, declared if file or not name else None)
    resources = [each for each in observed if each.owned or each.key in declared.resources]
    _say_live(declared.name, resources, host, json=json, blind=bool(missing))
    return out_of_reach(missing) if missing else 0


def _say_live(name: str, resources: Sequence[Resource], host: Host, *, json: bool, blind: bool) -> None:
    """Say what is live; that nothing is can only be said by who has looked."""
    from reconciler.kinds import kinds
    from reconciler.render import show_json, show_lines

    if json:
        say_json(show_json(name, resources, hide=hide(host)))
    elif resources or not blind:
        say(show_lines(name, resources, kinds=kinds(), style=style(sys.stdout)))


def ls(
    *,
    engine_timeout: o.EngineTimeout = ENGINE_TIMEOUT,
    patience: o.Patience = PATIENCE,
    _debug: o.Debug = False,
    _verbose: o.Verbose = False,
) -> int:
    """List the topologies on this host and their files."""
    from reconciler.host import Host
    from reconciler.render.listing import topology_lines
    from reconciler.topologies import topologies

    found, errors = topologies(Host(engine_timeout=engine_timeout, patience=patience))
    if found or not errors:
        say(topology_lines(found, style=style(sys.stdout)))
    return max([complain(error) for error in errors], default=0)


def schema(*, _debug: o.Debug = False, _verbose: o.Verbose = False) -> int:
    """Print the JSON Schema of topology files."""
    from reconciler.topology.schema import schema_text

    say(schema_text().splitlines())
    return 0
