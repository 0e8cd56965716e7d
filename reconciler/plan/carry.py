"""Which steps are carried out by others along the way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from reconciler.kinds.base import Kind
from reconciler.model import Change, Changes, How, Need, Step, StepKey, Verb


class Carriers(Mapping[StepKey, StepKey]):
    """Maps each carried step to the step that carries it, which may be carried itself.

    Of several that could carry a step the first does; it need not come before the others, with which it would go too.
    """

    def __init__(self, able: Mapping[StepKey, Sequence[StepKey]]) -> None:
        self._able = able

    def __getitem__(self, key: StepKey) -> StepKey:
        return self._able[key][0]

    def __iter__(self) -> Iterator[StepKey]:
        return iter(self._able)

    def __len__(self) -> int:
        return len(self._able)

    def could(self, carrier: StepKey, key: StepKey) -> bool:
        """Tell whether a carried step would go along with another step, too."""
        return carrier in self._able.get(key, ())

    def outermost(self, key: StepKey) -> StepKey:
        """Return the step that is carried out, on whose account this one is: itself if nothing carries it."""
        while key in self._able:
            key = self._able[key][0]
        return key

    def without(self, keys: Collection[StepKey]) -> Carriers:
        """Return the same where some steps go by themselves."""
        return Carriers({each: by for each, by in self._able.items() if each not in keys})


def carriers_of(changes: Changes, steps: Mapping[StepKey, Step], kinds: Mapping[str, Kind]) -> Carriers:
    """Ask the kinds which steps they carry."""
    able: dict[StepKey, list[StepKey]] = defaultdict(list)
    for key, step in steps.items():
        for need in _grounds(step):
            carrier = StepKey(need.key, key.verb)
            if carrier in steps and _due_together(step, steps[carrier]):
                other = changes.by_key[need.key]
                if kinds[need.key.kind].carries(key.verb, other, step.change):
                    able[key].append(carrier)
    return Carriers(dict(able))


def _grounds(step: Step) -> Sequence[Need]:
    """What a resource stands on as it is made, or unmade."""
    side = {Verb.CREATE: step.change.desired, Verb.DELETE: step.change.observed}.get(step.verb)
    return [need for need in side.needs if need.how is How.STANDS_ON] if side else []


def _due_together(step: Step, carrier: Step) -> bool:
    """A step that is due in any case cannot hang on one that may turn out not to be needed."""
    return not carrier.change.if_changed or carrier.change.if_changed == step.change.if_changed


def with_carriers(steps: Mapping[StepKey, Step], carriers: Carriers) -> dict[StepKey, Step]:
    """Tell each step what it carries, and by which step it is carried."""
    carried: dict[StepKey, list[Change]] = defaultdict(list)
    for each in sorted(carriers):
        carried[carriers.outermost(each)].append(steps[each].change)
    told = dict(steps)
    for key in {*carried, *carriers}:
        by = carriers.outermost(key) if key in carriers else None
        step = steps[key]
        told[key] = Step(key, step.change, tuple(carried.get(key, ())), by, step.topology, step.source)
    return told
