"""Problem sheets to be worked by hand: fresh numbers, solutions, forms, and their marks."""

from optlab.exercise.drawing import Exercise, Plan, draw
from optlab.exercise.key import Key, read_key
from optlab.exercise.writing import write_class, write_one

__all__ = ["Exercise", "Key", "Plan", "draw", "read_key", "write_class", "write_one"]
