"""The layers of cases/networks: what is in them, against published numbers, and that they come only when asked for."""

from __future__ import annotations

from collections import Counter
from math import prod
from pathlib import Path

import pytest

from convsuite.adapters.case import Case
from convsuite.conformance import UsageError, check, corpus, entry, load_cases
from convsuite.conformance.entry import Entry

# Convolutions, and their multiply-adds with those on padding, as published; where the published number is that of the
# whole network, less its dense layers.
PUBLISHED = [
    ("alexnet", 5, 666e6),
    ("c3d", 8, 38.5e9),
    ("convnext", 22, None),
    ("deeplab_v3plus", 147, 54.17e9),
    ("enet", 89, None),
    ("inception_v3", 94, 5.713e9 - 2048 * 1000),
    ("mobilenet_v1", 27, 569e6 - 1024 * 1000),
    ("mobilenet_v2", 52, 300.8e6 - 1280 * 1000),
    ("resnet50", 53, 4.089e9 - 2048 * 1000),
    ("shufflenet", 49, 137.5e6 - 960 * 1000),
    ("unet", 23, None),
    ("vgg16", 13, 15.3e9),
    ("wavenet", 203, None),
    ("xception", 40, 8.36e9 - 2048 * 1000),
]
OWN = {"yardstick", "crossover"}


@pytest.fixture(scope="module")
def layers() -> list[Entry]:
    return corpus.load(["networks"])


def of(layers: list[Entry], network: str) -> list[Entry]:
    return [layer for layer in layers if layer.id.startswith(f"networks/{network}::")]


def multiply_adds(case: Case) -> int:
    """Of the definition: every output (transposed: every input) meets every tap; those on padding count."""
    positions = prod((case.input if case.transposed else case.output_shape)[:-1])
    if case.op == "separable_conv":
        depthwise = case.channels * case.depth_multiplier
        return positions * depthwise * (prod(case.kernel_size) + case.output_channels)
    return positions * prod(next(iter(case.kernel_shapes.values())))


def computation(case: Case) -> str:
    return str({name: value for name, value in case.to_json().items() if name not in ("id", "tags")})


def test_there_are_at_least_80_layers_of_published_networks_each_with_its_source(layers):
    distinct = {computation(layer.case) for layer in layers if layer.id.split("/")[1].split("::")[0] not in OWN}
    assert len(distinct) >= 80
    assert all(layer.about and layer.source.startswith("https://") for layer in layers)


def test_every_layer_is_tagged_and_of_normal_float32_data(layers):
    for layer in layers:
        case = layer.case
        assert corpus.NETWORK_TAG in case.tags, layer.id
        assert (case.data, case.dtype, case.use_bias, case.wrt) == ("normal", "float32", False, None), layer.id
        assert case.padding not in ("same", "same_lower"), f"{layer.id}: sides are said one by one"


def test_every_layer_of_a_published_network_says_its_size(layers):
    """The size in the file is the source's; loading compares it with the reference's."""
    unsaid = {layer.id for layer in layers if layer.expect_shape is None}
    assert all(layer.startswith("networks/crossover::") for layer in unsaid)


def test_no_network_has_a_layer_twice(layers):
    for network in {layer.id.split("::")[0] for layer in layers}:
        told = Counter(computation(layer.case) for layer in layers if layer.id.startswith(f"{network}::"))
        assert max(told.values()) == 1, network


@pytest.mark.parametrize(("network", "convolutions", "published"), PUBLISHED)
def test_the_layers_as_often_as_they_occur_are_the_network(layers, network, convolutions, published):
    chosen = of(layers, network)
    assert sum(layer.occurs for layer in chosen) == convolutions
    if published is not None:
        assert sum(layer.occurs * multiply_adds(layer.case) for layer in chosen) == pytest.approx(published, rel=0.005)


def test_what_pads_a_stride_as_its_framework_does(layers):
    """TensorFlow's SAME pads an even extent below and to the right alone, PyTorch's networks pad all sides."""
    stems = {name: of(layers, name)[0].case for name in ("mobilenet_v1", "mobilenet_v2", "resnet50", "shufflenet")}
    assert stems["mobilenet_v1"].pads == stems["mobilenet_v2"].pads == ((0, 1), (0, 1))
    assert stems["resnet50"].pads == ((3, 3), (3, 3))
    assert stems["shufflenet"].pads == ((1, 1), (1, 1))


def test_the_yardstick_has_its_kinds(layers):
    cases = [layer.case for layer in of(layers, "yardstick")]
    kinds = {kind: [case for case in cases if kind in case.tags] for kind in Counter(t for c in cases for t in c.tags)}
    dense, transposed, depthwise = kinds["dense3x3"], kinds["transposed"], kinds["depthwise"]
    vgg = {(1, 224, 64), (1, 112, 128), (1, 56, 256), (1, 28, 512), (1, 14, 512)}
    resnet = {(8, 56, 64), (8, 28, 128), (8, 14, 256), (8, 7, 512)}
    assert {(case.batch, case.spatial[0], case.channels) for case in dense} == vgg | resnet
    assert all((case.kernel_size, case.strides) == ((3, 3), (1, 1)) for case in dense)
    assert all(case.filters == case.channels for case in dense)
    assert {case.kernel_size[0] for case in kinds["gemm"]} == {1, 3, 7}
    assert all(case.transposed and case.strides == (2, 2) for case in transposed)
    assert Counter(case.kernel_size for case in transposed) == {(2, 2): 2, (4, 4): 3}
    assert all(case.op == "depthwise_conv" for case in depthwise)
    assert {case.strides[0] for case in depthwise} == {1, 2}
    assert len(cases) == len(dense) + len(kinds["gemm"]) + len(transposed) + len(depthwise)


def test_the_crossover_is_a_whole_grid(layers):
    cases = [layer.case for layer in of(layers, "crossover")]
    grid = {(case.channels, case.spatial[0]) for case in cases}
    assert grid == {(channels, extent) for channels in (16, 32, 64, 128, 256) for extent in (7, 14, 28, 56, 112)}
    assert len(cases) == 25
    assert all(case.filters == case.channels and case.output_shape == case.input for case in cases)


def test_an_id_reads_no_other_file(monkeypatch):
    read, load_file = list[str](), corpus.load_file
    monkeypatch.setattr(corpus, "load_file", lambda file, root: read.append(file.name) or load_file(file, root))
    assert [one.id for one in corpus.load(["networks/vgg16::conv1_2"])] == ["networks/vgg16::conv1_2"]
    assert read == ["vgg16.yaml"]


@pytest.fixture
def small_corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A corpus of two cases, and a network of two layers."""
    folder = tmp_path / "cases"
    text = "defaults: {op: conv, input: [1, 9, 2], kernel_size: 2, filters: 3, tags: [TAG]}\ncases: [{id: a}, {id: b}]"
    for name, tag in (("conv1d", "plain"), ("networks", "network")):
        (folder / name).mkdir(parents=True)
        (folder / name / "f.yaml").write_text(text.replace("TAG", tag))
    for module in (corpus, entry):
        monkeypatch.setattr(module, "shipped", lambda: folder)
    return folder


PLAIN, LAYERS = ["conv1d/f::a", "conv1d/f::b"], ["networks/f::a", "networks/f::b"]


@pytest.mark.parametrize(
    ("asked", "got"),
    [
        ([], PLAIN),
        (["*::a"], PLAIN[:1]),
        (["networks"], LAYERS),
        (["networks/f::a"], LAYERS[:1]),
        (["networks/*::b"], LAYERS[1:]),
        (["*::a", "networks/f::b"], [PLAIN[0], LAYERS[1]]),
        (["FOLDER"], PLAIN),
        (["FOLDER/networks"], LAYERS),
        (["FOLDER/networks/f.yaml"], LAYERS),
        (["FOLDER", "networks/f::a"], [*PLAIN, LAYERS[0]]),
    ],
)
def test_layers_come_only_when_they_are_asked_for(small_corpus, asked, got):
    names = [name.replace("FOLDER", str(small_corpus)) for name in asked]
    assert sorted(one.id for one in corpus.load(names)) == sorted(got)


@pytest.mark.usefixtures("small_corpus")
def test_all_layers_come_with_a_word():
    assert sorted(one.id for one in corpus.load(layers=True)) == [*PLAIN, *LAYERS]
    assert sorted(case.id for case in load_cases()) == PLAIN


def test_a_pattern_that_only_layers_match_says_how_to_ask(small_corpus):
    (small_corpus / "networks" / "g.yaml").write_text(
        "cases: [{id: alone, op: conv, input: [1, 9, 2], kernel_size: 2, filters: 3}]"
    )
    with pytest.raises(UsageError, match=r"got 1 layers · expected --tag network, or an id that begins with networks/"):
        corpus.load(["*alone"])


def test_ones_own_networks_are_cases_like_any_other(tmp_path):
    folder = tmp_path / "cases" / "networks"
    folder.mkdir(parents=True)
    (folder / "f.yaml").write_text("cases: [{id: a, op: conv, input: [1, 5, 1], kernel_size: 1, filters: 1}]")
    assert [one.id for one in corpus.load([str(tmp_path / "cases")])] == ["networks/f::a"]


def test_a_layer_is_judged_by_its_id():
    (case,) = load_cases("networks/mobilenet_v2::16_project")
    assert not check(case.id, [[0.0]])


def test_how_often_a_layer_occurs(tmp_path):
    file = tmp_path / "f.yaml"
    text = "cases: [{{id: a, op: conv, input: [1, 5, 1], kernel_size: 1, filters: 1{}}}]"
    for said, occurs in (("", 1), (", occurs: 7", 7)):
        file.write_text(text.format(said))
        assert corpus.load([str(file)])[0].occurs == occurs
    for wrong in (0, "often"):
        file.write_text(text.format(f", occurs: {wrong}"))
        with pytest.raises(UsageError, match="occurs"):
            corpus.load([str(file)])
    file.write_text("defaults: {occurs: 2}\n" + text.format(""))
    with pytest.raises(UsageError, match="unknown key occurs"):
        corpus.load([str(file)])
