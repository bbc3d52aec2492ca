"""The engine of `toylib`: the defect is the case's tag."""

from __future__ import annotations

from convsuite.adapters.base import Program


class Toy:
    """Rank 1 and nothing but strides."""

    def versions(self):
        return {"toylib": "1.2.3"}

    def translate(self, case, form):
        if form == "literal" and "ported" not in case.tags:
            return None
        names = {"input": "x", "kernel": "w", "bias": "b"}
        prepare = [f"{short} = {name}" for name, short in names.items() if name in case.array_shapes]
        if case.channels_first:
            prepare[0] = "x = np.moveaxis(input, 1, -1)"
        handed = ", ".join(short for name, short in names.items() if name in case.array_shapes)
        defect = "differs" if form == "literal" else next(iter(case.tags), "")
        call = f'toylib.conv1d({handed}, defect="{defect}", strides={case.strides[0]})'
        back = "np.moveaxis(y, -1, 1)" if case.channels_first else "y"
        return Program("import numpy as np\nimport toylib", "\n".join(prepare), f"y = {call}", f"result = {back}")


class Opaque:
    """Computes in code of its own."""

    def run(self, case, arrays):
        return np_zeros(case.output_shape)


def np_zeros(shape):
    import numpy as np

    return np.zeros(shape, np.float32)
