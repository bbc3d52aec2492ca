"""The small language of ``exclude``, ``--filter`` and expectations: conditions over a case's normalised values.

Python's syntax, of which a few nodes are allowed; the tree is walked, nothing is evaluated as code.  Comparing a tuple
with a number asks "on any axis" (``strides > 1``); ``all(strides > 1)`` asks for every axis.  Two of these joined
by ``and`` ask twice "on any axis", not on the same one.  What has no order (a word, None) compares as false with ``<``
and ``>``.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, cast

from .errors import UsageError

LONGEST = 2000
COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: lambda first, second: first // second,
    ast.Mod: operator.mod,
}


class Truths(tuple[bool, ...]):
    """The answers of a comparison axis by axis; true where any of them is."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return any(self)


class Expression:
    """A condition that has been read.  Call it with the values by name."""

    def __init__(self, text: str, names: Iterable[str], *, file: str | None = None, line: int | None = None) -> None:
        """Raises `UsageError` where the text is no condition over these names."""
        self.text, self._names, self._file, self._line = text, frozenset(names), file, line
        if len(text) > LONGEST:
            raise self._error(f"got {len(text)} characters, at most {LONGEST}")
        try:
            self._tree = ast.parse(text.strip(), mode="eval").body
            self._check(self._tree)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise self._error(getattr(error, "msg", None) or type(error).__name__) from error

    def __call__(self, values: Mapping[str, Any]) -> bool:
        """Whether it holds.  What has no value, like the third stride of two or a word plus one, is None."""
        return bool(self._value(self._tree, values))

    def speaks_of(self, name: str) -> bool:
        """Whether the name stands in it."""
        return any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(self._tree))

    def _error(self, why: str) -> UsageError:
        return UsageError(f"condition {self.text[:80]!r}: {why}", file=self._file, line=self._line)

    def _check(self, node: ast.expr) -> None:
        match node:
            case ast.Constant(value=bool() | int() | float() | str() | None):
                return
            case ast.Name(id=name):
                if name not in self._names:
                    raise self._error(f"unknown name {name}, expected one of {', '.join(sorted(self._names))}")
                return
            case ast.Call(func=ast.Name(id=name), args=[_, *_], keywords=[]) if name in FUNCTIONS:
                if name in ("all", "any") and any(isinstance(argument, ast.BoolOp) for argument in node.args):
                    raise self._error(f"{name}() asks for one comparison; `and` and `or` stand outside it")
                parts = node.args
            case ast.BoolOp(values=parts) | ast.Tuple(elts=parts) | ast.List(elts=parts):
                pass
            case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
                parts = [operand]
            case ast.BinOp(left=left, op=op, right=right) if type(op) in ARITHMETIC:
                parts = [left, right]
            case ast.Compare(left=left, ops=ops, comparators=others):
                for op, other in zip(ops, others, strict=True):
                    self._check_comparison(op, other)
                parts = [left, *others]
            case ast.Subscript(value=value, slice=index):
                parts = [value, index]
            case _:
                raise self._error(f"{ast.unparse(node)!r} is not part of this language")
        for part in parts:
            self._check(part)

    def _check_comparison(self, op: ast.cmpop, other: ast.expr) -> None:
        constant = isinstance(other, ast.Constant)
        if isinstance(op, ast.In | ast.NotIn) and constant:
            raise self._error(f"`in` asks for a tuple, like ({ast.unparse(other)},)")
        if isinstance(op, ast.Is | ast.IsNot) and not (constant and other.value in (None, True, False)):
            raise self._error("`is` asks for None, True or False; words and numbers are compared with ==")

    def _value(self, node: ast.expr, values: Mapping[str, Any]) -> Any:
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                return values[name]
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                return tuple(self._value(part, values) for part in parts)
            case ast.BoolOp(op=ast.And(), values=parts):
                return all(self._value(part, values) for part in parts)
            case ast.BoolOp(values=parts):
                return any(self._value(part, values) for part in parts)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return not self._value(operand, values)
            case ast.UnaryOp(operand=operand):
                return _attempt(operator.neg, self._value(operand, values))
            case ast.BinOp(left=left, op=op, right=right):
                return _attempt(ARITHMETIC[type(op)], self._value(left, values), self._value(right, values))
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return FUNCTIONS[name](*(self._value(argument, values) for argument in arguments))
            case ast.Subscript(value=value, slice=index):
                return _item(self._value(value, values), self._value(index, values))
            case ast.Compare(left=left, ops=ops, comparators=others):
                return self._compare(self._value(left, values), ops, [self._value(other, values) for other in others])
            case _:  # _check has let nothing else through
                raise TypeError(ast.unparse(node))

    def _compare(self, first: Any, ops: list[ast.cmpop], others: list[Any]) -> Any:
        answers: list[Any] = []
        for op, second in zip(ops, others, strict=True):
            match op:
                case ast.In() | ast.NotIn():
                    answers.append(_contained(first, second, wanted=isinstance(op, ast.In)))
                case ast.Is() | ast.IsNot():
                    answers.append((first is second) == isinstance(op, ast.Is))
                case _:
                    answers.append(compared(COMPARE[type(op)], first, second))
            first = second
        return _chained(answers)


def _chained(answers: list[Any]) -> Any:
    """The links of a chain like ``1 < strides <= 3``: on one and the same axis where they are answers per axis."""
    if len(answers) == 1:
        return answers[0]
    if all(isinstance(answer, Truths) for answer in answers) and len({len(answer) for answer in answers}) == 1:
        return Truths(all(axis) for axis in zip(*answers, strict=True))
    return all(answers)


def _contained(first: Any, second: Any, *, wanted: bool) -> Any:
    """``in`` a tuple; the numbers of a tuple are asked for axis by axis, like with ``==``."""
    if not isinstance(second, tuple):
        return False
    numbers = cast("tuple[Any, ...]", second)
    if isinstance(first, tuple) and first not in numbers and all(_is_number(item) for item in numbers):
        return Truths((item in numbers) == wanted for item in cast("tuple[Any, ...]", first))
    return (first in numbers) == wanted


def compared(operation: Callable[[Any, Any], Any], first: Any, second: Any) -> Any:
    """One comparison; a tuple against a number, and the order of two tuples, axis by axis."""
    if isinstance(first, tuple) and _is_number(second):
        return Truths(bool(compared(operation, item, second)) for item in cast("tuple[Any, ...]", first))
    if isinstance(second, tuple) and _is_number(first):
        return Truths(bool(compared(operation, first, item)) for item in cast("tuple[Any, ...]", second))
    if operation in (operator.eq, operator.ne):
        return operation(first, second)
    if isinstance(first, tuple) and isinstance(second, tuple):
        pairs = zip(cast("tuple[Any, ...]", first), cast("tuple[Any, ...]", second), strict=False)
        return Truths(bool(compared(operation, one, other)) for one, other in pairs)
    return _is_number(first) and _is_number(second) and operation(first, second)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def _attempt(function: Callable[..., Any], *arguments: Any) -> Any:
    """The function of these numbers, or None where they are none or it has no value (a remainder by zero)."""
    if not all(_is_number(argument) for argument in arguments):
        return None
    try:
        return function(*arguments)
    except ArithmeticError:
        return None


def _flat(arguments: tuple[Any, ...]) -> list[Any]:
    """What stands in the arguments, of tuples (and of tuples of pairs) each."""
    flat: list[Any] = []
    for argument in arguments:
        if isinstance(argument, tuple):
            flat += _flat(cast("tuple[Any, ...]", argument))
        else:
            flat.append(argument)
    return flat


def _extreme(function: Callable[..., Any]) -> Callable[..., Any]:
    def largest_or_smallest(*arguments: Any) -> Any:
        flat = _flat(arguments)
        return function(flat) if flat and all(_is_number(item) for item in flat) else None

    return largest_or_smallest


def _item(value: Any, place: Any) -> Any:
    sequence = cast("tuple[Any, ...]", value if isinstance(value, tuple) else ())
    return sequence[place] if isinstance(place, int) and -len(sequence) <= place < len(sequence) else None


def _magnitude(value: Any) -> Any:
    return _attempt(abs, value)


def _length(value: Any) -> Any:
    return len(cast("tuple[Any, ...]", value)) if isinstance(value, tuple) else None


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "max": _extreme(max),
    "min": _extreme(min),
    "all": lambda *arguments: all(_flat(arguments)),
    "any": lambda *arguments: any(_flat(arguments)),
    "len": _length,
    "abs": _magnitude,
}


@lru_cache(maxsize=1024)
def condition(text: str, names: frozenset[str], file: str | None = None, line: int | None = None) -> Expression:
    """`Expression`, read once."""
    return Expression(text, names, file=file, line=line)
