"""Engines that compute by a fast algorithm and say so, and what goes wrong in such engines."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from convsuite.reference import conv, prepare_winograd, products
from convsuite.reference.geometry import conv_pads

sys.path.insert(0, str(Path(__file__).parent))

from right import Right


class Fast(Right):
    """Convolutions of floats by `fast`, everything else as it always was."""

    def compute(self, case, arrays):
        x, w, bias = arrays["input"], arrays.get("kernel"), arrays.get("bias")
        if case.op != "conv" or case.wrt is not None or x.dtype.kind in "iu" or max(case.kernel_size) > 3:
            return super().compute(case, arrays)
        with np.errstate(all="ignore"):
            return self.fast(x, w, bias, self.parameters(case))

    def fast(self, x, w, bias, said):
        raise NotImplementedError("subclasses know a fast algorithm")


class Fourier(Fast):
    """The product of the transforms of the whole images, of which the strides keep some samples."""

    profile = "fft"

    def fast(self, x, w, bias, said):
        strides, dilation = said["strides"], said["dilation"]
        pads = conv_pads(x.shape[1:-1], w.shape[:-2], strides, said["padding"], dilation)
        padded = np.pad(x, [(0, 0), *pads, (0, 0)]).astype(np.promote_types(x.dtype, np.float32))
        extents = [(k - 1) * d + 1 for k, d in zip(w.shape, dilation, strict=False)]
        sizes = [n - extent + 1 for n, extent in zip(padded.shape[1:], extents, strict=False)]
        if min(sizes) < 1 or said["groups"] > 1 or not x.size:
            return conv(x, w, bias=bias, **said)
        spread = np.zeros((*extents, *w.shape[-2:]), padded.dtype)
        spread[tuple(slice(None, None, d) for d in dilation)] = w
        shape, rank = padded.shape[1:-1], len(dilation)
        image = np.fft.rfftn(padded, shape, range(1, rank + 1))
        kernel = np.fft.rfftn(spread, shape, range(rank))
        y = np.fft.irfftn(np.einsum("n...c,...cf->n...f", image, kernel.conj()), shape, range(1, rank + 1))
        y = y[:, *(slice(0, n, s) for n, s in zip(sizes, strides, strict=True))]
        return (y if bias is None else y + bias).astype(x.dtype)


class Winograd(Fast):
    """Tiles of four; subclasses spoil the kernel that is prepared, or the result."""

    profile = "winograd-4"

    def fast(self, x, w, bias, said):
        kernel = prepare_winograd(w, tile=4, **{name: said[name] for name in ("strides", "dilation", "groups")})
        return self.spoiled(conv(x, self.prepared(kernel), padding=said["padding"], bias=bias))

    def prepared(self, kernel):
        return kernel

    def spoiled(self, y):
        return y


class WinogradUnsaid(Winograd):
    profile = None


class WinogradMisnamed(Winograd):
    profile = "winograd-5"


class CoefficientWrong(Winograd):
    """One coefficient of the input's transform is 5 % too large."""

    def prepared(self, kernel):
        def wrong(bt):
            bt = bt.copy()
            bt[1, 1] *= 1.05
            return bt

        def spoil(transformed):
            first, *rest = transformed.bt
            return transformed._replace(bt=(wrong(first), *rest))

        return _changed(kernel, spoil)


class BorderOffByOne(Winograd):
    """Every tile but the first begins one sample late."""

    def spoiled(self, y):
        return np.concatenate([y[:, :4], np.roll(y, -1, axis=1)[:, 4:]], axis=1)


class LastTileMissing(Winograd):
    """What is left at the end of an axis beside whole tiles is never computed."""

    def spoiled(self, y):
        y = y.copy()
        y[:, y.shape[1] // 4 * 4 :] = 0
        return y


class ReadsFloat16(Winograd):
    """The transforms of 16-bit floats are rounded to 16 bits."""

    def prepared(self, kernel):
        narrow = kernel.kernel.dtype

        def rounded(transformed):
            weights = products.Slices(*(piece.astype(narrow).astype("f4") for piece in transformed.kernel))
            return transformed._replace(kernel=weights)

        return _changed(kernel, rounded)


def _changed(kernel, change):
    parts = (part._replace(transformed=change(part.transformed)) for part in kernel.writer.phases)
    return replace(kernel, writer=kernel.writer._replace(phases=tuple(parts)))
