"""Cook-Toom transforms: m outputs of a kernel of r taps by m + r - 1 multiplications, exact in rational numbers.

A product of two polynomials of m and r coefficients has n = m + r - 1 coefficients, so its values at n points determine
it; infinity counts as one, where a polynomial's value is its leading coefficient. With the points a[0] ... a[n-2],
M(x) = prod (x - a[k]) and M_k(x) = M(x) / (x - a[k]), Lagrange's interpolation at those points reads

    x^i's coefficient of u(x) g(x) = sum_k BT[k,i] * (G g)[k] * (A u)[k]

    A [k,o] = a[k]^o                 the values of u; at infinity [o = m-1]
    G [k,j] = a[k]^j / M_k(a[k])     the values of g, with Lagrange's denominators; at infinity [j = r-1]
    BT[k,i] = coefficient of x^i in M_k(x), at infinity in M(x)

The transposed computation is the convolution, y[o] = sum_j d[o + j] g[j] for o < m:  y = AT ((G g) * (BT d)). That is
right for all d and g if and only if

    sum_k AT[o,k] G[k,j] BT[k,i] = [i = o + j]         for all o < m, j < r, i < n

which `Transform` checks, in fractions, before there is one. (A. L. Toom 1963, S. A. Cook 1966; S. Winograd, Arithmetic
Complexity of Computations, 1980; for neural networks: A. Lavin and S. Gray, https://arxiv.org/abs/1509.09308.)
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property
from itertools import count, islice

import numpy as np

from .geometry import Array

Rows = tuple[tuple[Fraction, ...], ...]
Point = Fraction | int | str


@dataclass(frozen=True)
class Transform:
    """F(m, r): the matrices AT (m, n), G (n, r) and BT (n, n) of fractions, n = m + r - 1, proven when made.

    Raises ValueError where the identity of the module does not hold or a matrix has another shape.
    """

    m: int
    r: int
    AT: Rows
    G: Rows
    BT: Rows

    def __post_init__(self) -> None:
        shapes = [(len(rows), {len(row) for row in rows}) for rows in (self.AT, self.G, self.BT)]
        if shapes != [(self.m, {self.n}), (self.n, {self.r}), (self.n, {self.n})]:
            raise ValueError(f"F({self.m}, {self.r}): got AT, G, BT of (rows, {{columns}}) {shapes}, n being {self.n}")
        for o, outputs in enumerate(self.AT):
            for j in range(self.r):
                # row o of AT diag(G[:, j]) BT
                products = [a * g[j] for a, g in zip(outputs, self.G, strict=True)]
                for i, data in enumerate(zip(*self.BT, strict=True)):
                    total = sum((p * b for p, b in zip(products, data, strict=True) if p and b), Fraction())
                    if total != (i == o + j):
                        raise ValueError(
                            f"F({self.m}, {self.r}): got {total} as the weight of d[{i}] g[{j}] in y[{o}], expected"
                            f" {int(i == o + j)}: the matrices are no convolution"
                        )

    @property
    def n(self) -> int:
        """The number of multiplications."""
        return self.m + self.r - 1

    @cached_property
    def at(self) -> Array:
        """AT in float64."""
        return _float64(self.AT)

    @cached_property
    def g(self) -> Array:
        """G in float64."""
        return _float64(self.G)

    @cached_property
    def bt(self) -> Array:
        """BT in float64."""
        return _float64(self.BT)


@cache
def cook_toom(m: int, r: int, points: tuple[Point, ...] | None = None) -> Transform:
    """F(m, r) from m + r - 2 points beside infinity, by default those of `default_points`.

    One tap, or one output, needs no points: F(m, 1) and F(1, r) are the definition, in matrices of ones and zeros.

    Raises ValueError for m or r below 1, for another number of points and for points that are not distinct.
    """
    if m < 1 or r < 1:
        raise ValueError(f"F({m}, {r}): got {m} outputs and {r} taps, expected 1 or more of each")
    if points is None and 1 in (m, r):
        identity, ones = _identity(max(m, r)), ((Fraction(1),) * max(m, r),)
        if r == 1:
            return Transform(m, 1, identity, _transposed(ones), identity)
        return Transform(1, r, ones, identity, identity)
    a = default_points(m + r - 2) if points is None else tuple(Fraction(point) for point in points)
    if len(a) != m + r - 2 or len(set(a)) != len(a):
        said = ", ".join(map(str, a))
        raise ValueError(f"points of F({m}, {r}): got ({said}), expected {m + r - 2} distinct ones, m + r - 2")
    at, g, bt = list[list[Fraction]](), list[list[Fraction]](), list[list[Fraction]]()
    for k, point in enumerate(a):
        others = _monic(a[:k] + a[k + 1 :])
        denominator = sum((c * point**i for i, c in enumerate(others)), Fraction())
        at.append([point**o for o in range(m)])
        g.append([point**j / denominator for j in range(r)])
        bt.append([*others, Fraction()])
    at.append([Fraction(o == m - 1) for o in range(m)])
    g.append([Fraction(j == r - 1) for j in range(r)])
    bt.append(_monic(a))
    return Transform(m, r, _transposed(at), _rows(g), _rows(bt))


def default_points(number: int) -> tuple[Fraction, ...]:
    """So many points that keep the error small.

    Small numbers of the two signs and their reciprocals do: the matrices hold their powers and their differences. The
    sets up to nine points are the best, or nearly, of a search over small fractions for the error on normal data; the
    one of five is A. Lavin's. From ten on no points keep float32 accurate.
    """
    if number in _POINTS:
        return tuple(map(Fraction, _POINTS[number].split()))
    return tuple(islice(_many_points(), number))


_POINTS = {
    1: "0",
    2: "0 1",
    3: "0 1 -1",
    4: "0 3/4 -3/4 2",
    5: "0 7/10 -7/10 3/2 -3/2",
    6: "0 1 -1 1/2 -1/2 2",
    7: "0 1 -1 1/2 -1/2 2 -2",
    8: "0 1 -1 1/2 -1/2 2 -2 -4",
}


def _many_points() -> Iterator[Fraction]:
    yield Fraction()
    for size in map(Fraction, ("1/2", "3/4", "4/3", "3", "1")):
        yield from (size, -size)
    for size in count(4):
        yield from (Fraction(1, size), Fraction(-1, size), Fraction(size), Fraction(-size))


def _monic(roots: Sequence[Fraction]) -> list[Fraction]:
    """The coefficients of prod (x - root), of the lowest power first."""
    coefficients = [Fraction(1)]
    for root in roots:
        shifted = [Fraction(), *coefficients]
        coefficients = [high - root * low for high, low in zip(shifted, [*coefficients, Fraction()], strict=True)]
    return coefficients


def _identity(size: int) -> Rows:
    return tuple(tuple(Fraction(i == j) for j in range(size)) for i in range(size))


def _rows(matrix: Sequence[Sequence[Fraction]]) -> Rows:
    return tuple(map(tuple, matrix))


def _transposed(matrix: Sequence[Sequence[Fraction]]) -> Rows:
    return tuple(zip(*matrix, strict=True))


def _float64(rows: Rows) -> Array:
    array = np.array([[float(value) for value in row] for row in rows])
    array.flags.writeable = False
    return array
