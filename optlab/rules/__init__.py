"""Every optimizer of the house, each one straight-line function; one file a family."""

from optlab.rules import adaptive, momentum
from optlab.rules.protocol import X0, Rule, make_rule, rule

__all__ = ["REGISTRY", "X0", "Rule", "make_rule", "rule"]

REGISTRY: dict[str, Rule] = {
    name: member.rule
    for family in (momentum, adaptive)
    for name, member in vars(family).items()
    if hasattr(member, "rule") and member.__module__ == family.__name__
}
