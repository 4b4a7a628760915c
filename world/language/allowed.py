"""What task code may name: the one list behind the language policy and the running world.

The policy refuses before anything runs what is not on these lists, so that a mistake is told with
its line; the facades that tasks are given hold nothing else, so that no alias reaches further. What
is on neither side of a list is refused: a new numpy release adds nothing to what tasks can do.
"""

from __future__ import annotations

BUILTINS = frozenset(
    """
    abs all any bin bool bytes callable chr classmethod complex dict divmod enumerate filter float
    format frozenset hex int isinstance issubclass iter len list map max min next object oct ord
    pow print property range repr reversed round set slice sorted staticmethod str sum super tuple
    zip True False None NotImplemented Ellipsis
    ArithmeticError AssertionError AttributeError Exception FloatingPointError IndexError KeyError
    LookupError NameError NotImplementedError OverflowError RuntimeError StopIteration TypeError
    ValueError ZeroDivisionError
    """.split()
)
NAMED_ATTRIBUTE_BUILTINS = frozenset({"getattr", "hasattr"})
"""Replaced by versions that reach what the policy lets through."""

BASE_BUILTINS = frozenset({"object"}) | {
    name for name in BUILTINS if name.endswith(("Error", "Exception"))
}
"""What a task's own class may derive from, besides its other classes and the robot's base. Not the
numbers and containers: one with comparisons of its own could pass for another number."""

TYPING = frozenset(
    """
    Any Callable ClassVar Dict Final FrozenSet Iterable Iterator List Literal Mapping
    Optional Sequence Set Tuple Type Union
    """.split()
)

NUMPY_TYPES = frozenset({"ndarray"})
"""Types for annotations and `isinstance` only: called, `ndarray` makes arrays of foreign memory."""

NUMPY = NUMPY_TYPES | frozenset(
    """
    e euler_gamma inf nan newaxis pi
    bool bool_ complex128 complex64 complexfloating double finfo float16 float32 float64 floating
    generic iinfo inexact int16 int32 int64 int8 integer intp number signedinteger single uint16
    uint32 uint64 uint8 unsignedinteger
    arange array asanyarray asarray ascontiguousarray atleast_1d atleast_2d atleast_3d copy diag
    diagflat empty empty_like eye fromfunction full full_like geomspace identity indices linspace
    logspace meshgrid mgrid ogrid ones ones_like tri tril triu vander zeros zeros_like
    append array_equal array_equiv array_split block broadcast_arrays broadcast_to column_stack
    concat concatenate copyto delete dsplit dstack expand_dims flip fliplr flipud hsplit hstack
    insert matrix_transpose moveaxis ndim pad permute_dims put put_along_axis putmask ravel repeat
    reshape roll rollaxis rot90 row_stack shape size split squeeze stack swapaxes take
    take_along_axis tile transpose trim_zeros unstack vsplit vstack
    argmax argmin argpartition argsort argwhere count_nonzero digitize extract flatnonzero
    lexsort nonzero partition place searchsorted select sort unique where choose compress
    in1d isin intersect1d setdiff1d setxor1d union1d ix_ ndenumerate ndindex tril_indices
    triu_indices unravel_index ravel_multi_index diag_indices fill_diagonal diagonal
    abs absolute acos acosh add all allclose amax amin angle any arccos arccosh arcsin arcsinh
    arctan arctan2 arctanh around asin asinh atan atan2 atanh average bincount bitwise_and
    bitwise_or bitwise_xor cbrt ceil clip conj conjugate convolve copysign corrcoef correlate cos
    cosh cov cross cumprod cumsum cumulative_sum deg2rad degrees diff divide divmod dot ediff1d
    einsum equal exp exp2 expm1 fabs fix float_power floor floor_divide fmax fmin fmod gradient
    greater greater_equal heaviside histogram histogram2d hypot imag inner interp invert isclose
    iscomplex isfinite isinf isnan isneginf isposinf isreal isscalar kron less less_equal log log10
    log1p log2 logaddexp logical_and logical_not logical_or logical_xor matmul matvec max maximum
    mean median min minimum mod modf multiply nan_to_num nanargmax nanargmin nancumsum nanmax
    nanmean nanmedian nanmin nanpercentile nanstd nansum nanvar negative nextafter not_equal outer
    percentile piecewise polyadd polyder polyfit polyint polymul polyval positive pow power prod
    ptp quantile rad2deg radians real real_if_close reciprocal remainder rint round roots sign
    signbit sin sinc sinh sqrt square std subtract sum tan tanh tensordot trace trapezoid
    true_divide trunc unwrap var vdot vecdot vecmat apply_along_axis
    array2string array_repr array_str errstate result_type can_cast issubdtype
    linalg random
    """.split()
)

NUMPY_LINALG = frozenset(
    """
    LinAlgError cholesky cond cross det diagonal eig eigh eigvals eigvalsh inv lstsq matmul
    matrix_norm matrix_power matrix_rank multi_dot norm outer pinv qr slogdet solve svd svdvals
    tensordot tensorinv tensorsolve trace vecdot vector_norm
    """.split()
)

NUMPY_RANDOM_TYPES = frozenset({"Generator"})

NUMPY_RANDOM = NUMPY_RANDOM_TYPES | frozenset(
    """
    RandomState beta binomial chisquare choice default_rng dirichlet exponential gamma geometric
    gumbel laplace logistic lognormal multinomial multivariate_normal normal pareto permutation
    poisson power rand randint randn random random_integers random_sample rayleigh sample seed
    shuffle standard_cauchy standard_exponential standard_gamma standard_normal standard_t
    triangular uniform vonmises wald weibull
    """.split()
)

NUMPY_TYPING = frozenset({"ArrayLike", "NDArray"})

MATH = frozenset(
    """
    acos acosh asin asinh atan atan2 atanh cbrt ceil comb copysign cos cosh degrees dist e erf erfc
    exp exp2 expm1 fabs factorial floor fmod frexp fsum gamma gcd hypot inf isclose isfinite isinf
    isnan isqrt lcm ldexp lgamma log log10 log1p log2 modf nan nextafter perm pi pow prod radians
    remainder sin sinh sqrt tan tanh tau trunc ulp
    """.split()
)
MATH_BOUNDED = frozenset({"comb", "factorial", "perm"})
"""Take whole numbers up to `MATH_BOUND` only: the factorial of a million takes for ever."""
MATH_BOUND = 1000

RANDOM = frozenset(
    """
    Random betavariate choice choices expovariate gammavariate gauss lognormvariate normalvariate
    paretovariate randint random randrange sample seed shuffle triangular uniform vonmisesvariate
    weibullvariate
    """.split()
)

MODULES: dict[str, frozenset[str]] = {
    "__future__": frozenset({"annotations"}),
    "math": MATH,
    "numpy": NUMPY,
    "numpy.linalg": NUMPY_LINALG,
    "numpy.random": NUMPY_RANDOM,
    "numpy.typing": NUMPY_TYPING,
    "random": RANDOM,
    "typing": TYPING,
}
"""What a task may import, besides a robot's base, and the names in it."""

# Frames, code, functions and generators lead from any function to the interpreter.
_INNARDS = frozenset(
    """
    ag_await ag_code ag_frame cr_await cr_code cr_frame cr_origin f_back f_builtins f_code
    f_generator f_globals f_lasti f_lineno f_locals f_trace fdel fget fset gi_code gi_frame
    gi_running gi_yieldfrom mro obj tb_frame tb_lasti tb_lineno tb_next with_traceback
    """.split()
)
# These walk attributes by a text that is only made at run time.
_FORMATTING = frozenset({"format", "format_map"})
# Files, raw memory and locks that arrays and random generators carry.
_RAW_MEMORY = frozenset(
    """
    base bit_generator capsule cffi ctypes data dump dumps flags getfield lock resize setfield
    setflags tofile
    """.split()
)


def refused_attribute(name: str) -> str | None:
    """Why no object's attribute of that name may be read, as what to use instead; or None.

    It does not hold for the public attributes of a task's own `self`, which is never one of the
    objects that these names are dangerous on: see `loading.TaskType`.
    """
    if name.startswith("_"):
        return "Use `self._p` for PyBullet and public attributes for everything else."
    if name in _INNARDS:
        return "Tasks have no use for the insides of functions, frames and errors."
    if name in _FORMATTING:
        return 'Use an f-string: f"{value:.2f}".'
    if name in _RAW_MEMORY:
        return "Use indexing, arithmetic and functions such as np.array and np.copy."
    return None
