"""The ZIP files of stable-baselines3, read as if somebody meant harm with them. Policies of before,
and those of generalists, are such files.

Torch pickles what it saves, and a pickle can do anything. Here it may name arrays of float32 and
put them into dictionaries, and nothing else; neither torch nor stable-baselines3 is asked. What is
given back has its own memory, is no larger than a policy file may be, and holds finite numbers.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
import zipfile
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..files import FileProblem, open_zip, unpacked

MAX_BYTES = 16_000_000
"""Of a policy file, and of what it unpacks to. Ours have 0.3 MB, with an optimiser 1 MB."""
MAX_PICKLE_BYTES = 1_000_000
"""Of what names the arrays, and how they lie. Ours have 2 kB."""
MAX_ARRAYS = 1_000
MAX_NAME = 200
"""Characters."""

Arrays = dict[str, NDArray[np.float32]]
"""By their names in the `state_dict` of a policy."""
Moments = dict[int, Arrays]
"""What an optimiser (Adam) remembers of each parameter: `step`, `exp_avg` and `exp_avg_sq`."""


def weights_in(archive: zipfile.ZipFile) -> Arrays:
    """The network weights in a file of stable-baselines3. Raises FileProblem."""
    return _arrays(_saved(archive, "policy.pth"))


def training_in(data: bytes, state_name: str) -> tuple[bytes, Arrays, Moments]:
    """What training goes on from, in the bytes of a policy file: what lies there under a name, the
    weights, and what the optimiser remembers. Raises FileProblem where one of them is not what it
    has to be."""
    with open_zip(io.BytesIO(data)) as archive:
        state = unpacked(archive, state_name, MAX_BYTES)
        optimiser = _saved(archive, "policy.optimizer.pth")
        memory = optimiser.get("state") if isinstance(optimiser, dict) else None
        if not isinstance(memory, dict) or any(type(number) is not int for number in memory):
            raise FileProblem("what it holds of an optimiser is something else")
        moments = {number: _arrays(named) for number, named in memory.items()}
        return state, weights_in(archive), moments


def _arrays(found: Any) -> Arrays:
    """Raises FileProblem where something is anything else than named arrays of finite numbers."""
    if not isinstance(found, dict) or not 0 < len(found) <= MAX_ARRAYS:
        raise FileProblem(f"it holds something else than 1 to {MAX_ARRAYS} named tensors")
    for name, array in found.items():
        if not isinstance(name, str) or not name.isprintable() or len(name) > MAX_NAME:
            raise FileProblem("it holds a tensor without a name that can be told")
        if not isinstance(array, np.ndarray):
            raise FileProblem(f"its `{name}` is no tensor")
        if not np.isfinite(array).all():
            raise FileProblem(f"its `{name}` holds numbers that are not finite")
    return dict(found)


# How torch saves: a ZIP file in the ZIP file. Its `data.pkl` names what lies in the others.


def _saved(archive: zipfile.ZipFile, name: str) -> Any:
    """What torch has saved under a name: arrays and numbers in dictionaries, lists and tuples."""
    saved = io.BytesIO(unpacked(archive, name, MAX_BYTES))
    with open_zip(saved) as inner:
        places = [each[: -len("data.pkl")] for each in inner.namelist() if _is_pickle(each)]
        if len(places) != 1:
            raise FileProblem(f"its `{name}` is not as torch saves it")
        pickled = unpacked(inner, f"{places[0]}data.pkl", MAX_PICKLE_BYTES)
        try:
            _check_words(pickled)
            return _Unpickler(pickled, inner, places[0]).load()
        except FileProblem:
            raise
        except Exception:
            # Whatever a malformed pickle makes of Python's own reader of pickles.
            raise FileProblem(f"its `{name}` holds no float32 tensors, or is damaged") from None


def _is_pickle(name: str) -> bool:
    return name.count("/") == 1 and name.endswith("/data.pkl")


WORDS = frozenset(
    "PROTO STOP MARK EMPTY_DICT EMPTY_LIST EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 SETITEM SETITEMS "
    "APPEND APPENDS BINPUT LONG_BINPUT BINGET LONG_BINGET BINUNICODE BININT BININT1 BININT2 LONG1 "
    "BINFLOAT NONE NEWTRUE NEWFALSE GLOBAL REDUCE BUILD BINPERSID".split()
)
"""Of the language of pickles, those that torch needs to save arrays."""


def _check_words(pickled: bytes) -> None:
    for word, value, _ in pickletools.genops(pickled):
        if word.name not in WORDS:
            raise FileProblem("it holds something else than tensors")
        # Python's reader makes room for as many things as the number of one says.
        if word.name in ("LONG_BINPUT", "LONG_BINGET") and int(value or 0) > len(pickled):
            raise FileProblem("it is damaged")


class _Stored(NamedTuple):
    """Numbers as they lie in the file, before anything tells their shape."""

    data: bytes


class _Named(dict[Any, Any]):
    """A dictionary as torch saves it; what may be attached to it is left away."""

    def __setstate__(self, attached: Any) -> None:
        pass


class _Unpickler(pickle.Unpickler):
    """Reads what `_check_words` has let pass. Whatever it names is made by a function of ours."""

    def __init__(self, pickled: bytes, archive: zipfile.ZipFile, place: str) -> None:
        super().__init__(io.BytesIO(pickled))
        self._archive = archive
        self._place = place
        self._stored: dict[str, _Stored] = {}
        self._room = self._stored_room = MAX_BYTES

    def find_class(self, module: str, name: str) -> Any:
        known: dict[str, Callable[..., Any] | type] = {
            "collections.OrderedDict": _Named,
            "torch.FloatStorage": _Stored,
            "torch._utils._rebuild_tensor_v2": self._array,
            "torch._utils._rebuild_parameter": lambda array, *_: array,
        }
        return known[f"{module}.{name}"]

    def persistent_load(self, named: Any) -> _Stored:
        """The numbers that lie in a file beside the pickle."""
        kind, type_of_numbers, key, _, count = named
        if (kind, type_of_numbers) != ("storage", _Stored) or not isinstance(key, str):
            raise FileProblem("it holds something else than float32 tensors")
        if key not in self._stored:
            data = unpacked(self._archive, f"{self._place}data/{key}", self._stored_room)
            self._stored_room -= len(data)
            self._stored[key] = _Stored(data)
        stored = self._stored[key]
        if len(stored.data) != 4 * count:
            raise FileProblem("a tensor in it is not as large as it claims")
        return stored

    def _array(
        self, stored: Any, offset: Any, shape: Any, strides: Any, *_: Any
    ) -> NDArray[np.float32]:
        """An array of its own. Whether it needs gradients, and whom it tells of them, is left
        away."""
        numbers = (offset, *shape, *strides)
        if not isinstance(stored, _Stored) or any(type(n) is not int or n < 0 for n in numbers):
            raise FileProblem("it holds something else than tensors")
        # Several may lie in the same place, and one may repeat what lies there.
        self._room -= 4 * math.prod(shape)
        if self._room < 0:
            raise FileProblem(f"its tensors have more than {MAX_BYTES:,} bytes")
        # Raises ValueError for what would lie beyond the numbers that are there.
        array: NDArray[np.float32] = np.ndarray(
            shape, "<f4", stored.data, 4 * offset, [4 * stride for stride in strides]
        )
        return np.array(array, np.float32, order="C")
