"""What every engine calls a case, verified: `convsuite explain`.

about_case, about_options   what is asked: a `Question`
Asking                      puts it to engines; `rows` as they come
convert                     kernels of one engine's layout into another's
Explanation                 the answer as data, with `to_json`
axes_of, layouts            pads, sizes and formulas, and the reference's kernel layouts, without running anything
"""

from ...adapters.layout import layouts
from .asking import Asking
from .conversion import Conversion, convert
from .explanation import Explanation, Row, Told
from .geometry import Axis, axes_of
from .kept import Kept
from .question import KEYS, Question, about_case, about_options, option

__all__ = [
    "KEYS", "Asking", "Axis", "Conversion", "Explanation", "Kept", "Question", "Row", "Told", "about_case",
    "about_options", "axes_of", "convert", "layouts", "option",
]  # fmt: skip
