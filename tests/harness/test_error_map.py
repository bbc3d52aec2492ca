"""Where the error sits: the map that a record of a wrong result keeps."""

from __future__ import annotations

import json

import numpy as np
import pytest

from convsuite.conformance import check, make_case
from convsuite.conformance.api import answer_to
from convsuite.conformance.error_map import MOST


def wrong(changes, **keys):
    """The map of the right result with elements changed: {place: by how much}."""
    case = make_case(**{"op": "conv", "input": [2, 9, 8, 3], "kernel_size": [2, 2], "filters": 4, **keys})
    expected = answer_to(case, 0)[1]
    assert expected is not None
    got = expected.values.astype(case.dtype)
    for place, change in changes.items():
        got[place] += change
    if case.channels_first and case.result_has_channels:
        got = np.moveaxis(got, -1, 1)
    judgement = check(case, got)
    assert judgement.verdict == "differs"
    assert judgement.error_map is not None
    assert len(json.dumps(judgement.error_map, allow_nan=False)) < 4_000
    return judgement.error_map


def test_a_plane_shows_the_largest_over_batch_and_channels():
    found = wrong({(0, 1, 2, 3): 1000, (1, 1, 2, 0): 10, (1, 7, 6, 0): 5})
    assert (found["unit"], found["axes"], found["extents"]) == ("bound", ["row", "column"], [8, 7])
    assert found["over"] == ["batch", "channel"]
    cells = np.array(found["cells"], float)
    assert cells.shape == (8, 7)
    assert {tuple(map(int, place)) for place in np.argwhere(cells)} == {(1, 2), (7, 6)}
    assert cells[1, 2] > cells[7, 6] > 1


def test_channels_first_is_the_same_plane():
    place = {(0, 1, 2, 3): 1000}
    assert wrong(place, data_format="channels_first")["cells"] == wrong(place)["cells"]


def test_one_axis_is_a_row_and_three_are_seen_from_the_front():
    line = wrong({(0, 4, 0): 9}, input=[1, 6, 2], kernel_size=2)
    assert (line["axes"], line["extents"], np.shape(line["cells"])) == (["column"], [5], (1, 5))
    solid = wrong({(0, 1, 2, 3, 0): 9}, input=[1, 4, 5, 6, 2], kernel_size=2)
    assert (solid["axes"], solid["over"]) == (["row", "column"], ["batch", "depth", "channel"])
    assert np.argwhere(np.array(solid["cells"], float)).tolist() == [[2, 3]]


def test_large_results_are_reduced_and_lose_no_error():
    found = wrong({(0, 99, 0, 0): 1000}, input=[1, 101, 3, 1], filters=1)
    cells = np.array(found["cells"], float)
    assert (cells.shape, found["extents"]) == ((MOST, 2), [100, 2])
    assert np.argwhere(cells).tolist() == [[MOST - 1, 0]]


def test_what_is_not_finite_is_null_and_integers_have_no_bound():
    assert wrong({(0, 0, 1, 0): np.nan})["cells"][0][1] is None
    found = wrong({(0, 3, 3, 0): 3}, dtype="int32")
    assert (found["unit"], found["cells"][3][3]) == ("one", 3)


@pytest.mark.parametrize(
    ("wrt", "place", "axes", "over"),
    [
        ("input", (0, 8, 7, 2), ["row", "column"], ["batch", "channel"]),
        ("kernel", (1, 0, 2, 3), ["row", "column"], ["channel in", "channel out"]),
        ("bias", (3,), ["channel of the bias"], []),
    ],
)
def test_gradients_have_the_axes_of_their_argument(wrt, place, axes, over):
    found = wrong({place: 1000}, wrt=wrt, use_bias=wrt == "bias")
    assert (found["axes"], found["over"]) == (axes, over)
    assert np.count_nonzero(np.array(found["cells"], float)) == 1


def test_right_results_have_none():
    case = make_case(op="conv", input=[1, 5, 1], kernel_size=2, filters=1)
    expected = answer_to(case, 0)[1]
    assert expected is not None
    assert check(case, expected.values.astype("float32")).error_map is None
