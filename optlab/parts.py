"""The parts of a line that a page may write down by themselves: its root, its increment."""

from __future__ import annotations

import ast

__all__ = ["PARTS", "parts_of"]

PARTS = ("root", "square", "numerator", "denominator", "increment")
"""From the inside out: a part may stand within a later one."""


def parts_of(name: str, expression: ast.expr) -> dict[str, ast.expr]:
    """The parts of the line `name = expression`, by name: the first root, the first square, the two
    sides of the outermost fraction, and what is taken off (or added) where `x` is assigned."""
    found: dict[str, ast.expr] = {}
    for node in ast.walk(expression):  # breadth first: the outermost of a kind comes first
        match node:
            case ast.Call(func=ast.Name(id="sqrt")):
                found.setdefault("root", node)
            case ast.BinOp(op=ast.Pow(), right=ast.Constant(value=2)):
                found.setdefault("square", node)
            case ast.BinOp(op=ast.Div()) if "numerator" not in found:
                found |= {"numerator": node.left, "denominator": node.right}
    match expression:
        case ast.BinOp(left=ast.Name(id="x"), op=ast.Add() | ast.Sub(), right=step) if name == "x":
            found["increment"] = step
    return {part: found[part] for part in PARTS if part in found}
