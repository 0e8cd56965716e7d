"""The nouns: immutable values without behaviour beyond properties."""

from reconciler.model.change import Action, Change, Changes, FieldChange
from reconciler.model.plan import Outcome, Plan, Report, Status, Step, StepKey, Verb
from reconciler.model.resource import (
    DEFAULT_FILE,
    HOST,
    STANDARD_INPUT,
    Claim,
    How,
    Need,
    Resource,
    ResourceKey,
    Topology,
    reached,
)
from reconciler.model.spec import (
    EMPTY,
    FrozenMap,
    Spec,
    chosen,
    has_secret,
    secret,
    secret_paths,
    spelled,
    uncompared,
    with_secret,
)

FORMAT_VERSION = 1
"""Of plans, reports and observed topologies as JSON."""

__all__ = [
    "DEFAULT_FILE",
    "EMPTY",
    "FORMAT_VERSION",
    "HOST",
    "STANDARD_INPUT",
    "Action",
    "Change",
    "Changes",
    "Claim",
    "FieldChange",
    "FrozenMap",
    "How",
    "Need",
    "Outcome",
    "Plan",
    "Report",
    "Resource",
    "ResourceKey",
    "Spec",
    "Status",
    "Step",
    "StepKey",
    "Topology",
    "Verb",
    "chosen",
    "has_secret",
    "reached",
    "secret",
    "secret_paths",
    "spelled",
    "uncompared",
    "with_secret",
]
