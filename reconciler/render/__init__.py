"""Plans, reports and observed topologies as lines for people or as JSON; pure."""

from __future__ import annotations

from reconciler.render.as_json import plan_json, report_json, show_json
from reconciler.render.plan import plan_lines
from reconciler.render.report import outcome_line, report_lines
from reconciler.render.show import show_lines

__all__ = ["outcome_line", "plan_json", "plan_lines", "report_json", "report_lines", "show_json", "show_lines"]
