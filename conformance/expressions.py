"""The small language of ``exclude``, ``--filter`` and expectations: conditions over a case's normalised values.

Python's syntax, of which a few nodes are allowed; the tree is walked, nothing is evaluated as code.  Comparing a tuple
with a number asks "on any axis" (``strides > 1``); ``all(strides > 1)`` asks for every axis.  What has no order (a
word, None) compares as false with ``<`` and ``>``.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

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
        """Raises `UsageError` where the values do not suit the condition (a number added to a word)."""
        try:
            return bool(self._value(self._tree, values))
        except (TypeError, ValueError, ZeroDivisionError, IndexError, OverflowError) as error:
            raise self._error(str(error)) from error

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
                parts = node.args
            case ast.BoolOp(values=parts) | ast.Tuple(elts=parts) | ast.List(elts=parts):
                pass
            case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
                parts = [operand]
            case ast.BinOp(left=left, op=op, right=right) if type(op) in ARITHMETIC:
                parts = [left, right]
            case ast.Compare(left=left, ops=ops, comparators=others) if all(
                type(op) in COMPARE or isinstance(op, ast.In | ast.NotIn | ast.Is | ast.IsNot) for op in ops
            ):
                parts = [left, *others]
            case ast.Subscript(value=value, slice=index):
                parts = [value, index]
            case _:
                raise self._error(f"{ast.unparse(node)!r} is not part of this language")
        for part in parts:
            self._check(part)

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
                return -_number(self._value(operand, values))
            case ast.BinOp(left=left, op=op, right=right):
                first, second = self._value(left, values), self._value(right, values)
                return ARITHMETIC[type(op)](_number(first), _number(second))
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return FUNCTIONS[name](*(self._value(argument, values) for argument in arguments))
            case ast.Subscript(value=value, slice=index):
                return self._value(value, values)[self._value(index, values)]
            case ast.Compare(left=left, ops=ops, comparators=others):
                return self._compare(self._value(left, values), ops, [self._value(other, values) for other in others])
            case _:  # _check has let nothing else through
                raise TypeError(ast.unparse(node))

    def _compare(self, first: Any, ops: list[ast.cmpop], others: list[Any]) -> Any:
        answer: Any = True
        for op, second in zip(ops, others, strict=True):
            match op:
                case ast.In() | ast.NotIn():
                    answer = (first in second) == isinstance(op, ast.In)
                case ast.Is() | ast.IsNot():
                    answer = (first is second) == isinstance(op, ast.Is)
                case _:
                    answer = compared(COMPARE[type(op)], first, second)
            if not answer:
                return answer
            first = second
        return answer


def compared(operation: Callable[[Any, Any], Any], first: Any, second: Any) -> Any:
    """One comparison, a tuple against a number axis by axis."""
    if isinstance(first, tuple) and _is_number(second):
        return Truths(bool(compared(operation, item, second)) for item in first)  # pyright: ignore[reportUnknownVariableType]
    if isinstance(second, tuple) and _is_number(first):
        return Truths(bool(compared(operation, first, item)) for item in second)  # pyright: ignore[reportUnknownVariableType]
    if operation in (operator.eq, operator.ne):
        return operation(first, second)
    comparable = (_is_number(first) and _is_number(second)) or (isinstance(first, tuple) and isinstance(second, tuple))
    return operation(first, second) if comparable else False


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def _number(value: Any) -> int | float:
    if not _is_number(value):
        raise TypeError(f"arithmetic on {value!r}")
    return value


def _flat(arguments: tuple[Any, ...]) -> list[Any]:
    """The numbers in the arguments, of tuples (and of tuples of pairs) each."""
    flat: list[Any] = []
    for argument in arguments:
        if isinstance(argument, tuple):
            flat += _flat(argument)  # pyright: ignore[reportUnknownArgumentType]
        else:
            flat.append(argument)
    return flat


def _extreme(function: Callable[..., Any]) -> Callable[..., Any]:
    def largest_or_smallest(*arguments: Any) -> Any:
        return function(_number(item) for item in _flat(arguments))

    return largest_or_smallest


def _absolute(value: Any) -> Any:
    return abs(_number(value))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "max": _extreme(max),
    "min": _extreme(min),
    "all": lambda *arguments: all(_flat(arguments)),
    "any": lambda *arguments: any(_flat(arguments)),
    "len": len,
    "abs": _absolute,
}


@lru_cache(maxsize=1024)
def condition(text: str, names: frozenset[str], file: str | None = None, line: int | None = None) -> Expression:
    """`Expression`, read once."""
    return Expression(text, names, file=file, line=line)
