"""Promise: a value depends on seed, stream and index alone, whatever asks for it and how."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gausswork import sampling
from gausswork.errors import InputError
from gausswork.sampling import State

DRAWS = {
    "normal float32": lambda n, **k: sampling.normal(n, dtype="float32", **k),
    "normal float64": lambda n, **k: sampling.normal(n, **k),
    "uniform float32": lambda n, **k: sampling.uniform(n, dtype="float32", **k),
    "uniform float64": lambda n, **k: sampling.uniform(n, **k),
    "integers narrow": lambda n, **k: sampling.integers(n, low=-7, high=2**24 - 7, **k),
    "integers wide": lambda n, **k: sampling.integers(n, high=3 * 2**61, **k),
    "truncated": lambda n, **k: sampling.truncated_normal(n, low=1, high=3, **k),
    "bernoulli": lambda n, **k: sampling.bernoulli(n, 0.3, **k),
}


@pytest.mark.parametrize("name", DRAWS)
@pytest.mark.parametrize("offset", [0, 1, 15, 16, 31, 33, 63, 64, 65, 1000, 2**32 * 64 - 30])
def test_a_part_is_a_part_of_the_whole(name: str, offset: int) -> None:
    draw = DRAWS[name]
    start = max(0, offset - 70)
    whole = draw(offset - start + 200, seed=5, stream="a", offset=start)
    for n in (0, 1, 2, 63, 200):
        part = draw(n, seed=5, stream="a", offset=offset)
        assert np.array_equal(part, whole[offset - start : offset - start + n])
    assert np.array_equal(draw(9, seed=State(5, "a", offset)), whole[offset - start :][:9])


@pytest.mark.parametrize("name", DRAWS)
def test_threads_change_nothing(name: str) -> None:
    n = 3 * 2**18 + 77
    alone = DRAWS[name](n, seed=1, offset=5, threads=1)
    for threads in (2, 3, None):
        assert np.array_equal(DRAWS[name](n, seed=1, offset=5, threads=threads), alone)


def test_streams_and_seeds_are_apart() -> None:
    draws = [
        sampling.uniform(100, seed=seed, stream=stream).tobytes()
        for seed in (0, 1, 2**64 - 1)
        for stream in (0, 1, "0", "1", "a", "a/b")
    ]
    assert len(set(draws)) == len(draws)


def test_kinds_share_no_words() -> None:
    """Uniforms and normals of one seed, drawn for features and noise, must not know each other."""
    u, z = sampling.uniform(200_000, seed=1), sampling.normal(200_000, seed=1)
    assert abs(np.corrcoef(u, z)[0, 1]) < 4.5 / np.sqrt(200_000)
    assert abs(np.corrcoef(np.abs(z), u)[0, 1]) < 4.5 / np.sqrt(200_000)


@pytest.mark.parametrize("shape", [5, (5,), (), (2, 3), (0, 4), [2, 2], np.int64(3)])
def test_shapes(shape: object) -> None:
    drawn = sampling.normal(shape, seed=1)  # type: ignore[arg-type]
    assert drawn.shape == np.empty(shape).shape  # type: ignore[call-overload]
    assert np.array_equal(drawn.reshape(-1), sampling.normal(drawn.size, seed=1))


def test_out_of_any_strides() -> None:
    whole = sampling.normal((4, 6), seed=1, dtype="float32")
    for out in (
        np.empty((4, 6), np.float32),
        np.empty((6, 4), np.float32).T,
        np.empty((8, 12), np.float32)[::2, ::-2],
    ):
        assert sampling.normal(out=out, seed=1) is out
        assert np.array_equal(out, whole)


def test_values_of_integers_do_not_depend_on_the_type() -> None:
    wanted = sampling.integers(1000, low=3, high=100, seed=1)
    for dtype in ("int8", "uint8", "int16", "uint16", "int32", "uint32", "uint64"):
        assert np.array_equal(sampling.integers(1000, low=3, high=100, seed=1, dtype=dtype), wanted)


def test_uniform_never_reaches_high() -> None:
    one_step = np.nextafter(np.float32(1), np.float32(2))
    drawn = sampling.uniform(10_000, seed=1, low=1.0, high=float(one_step), dtype="float32")
    assert np.all(drawn == 1)
    drawn = sampling.uniform(200_000, seed=1, low=1e7, high=1e7 + 2, dtype="float32")
    assert set(drawn.tolist()) == {1e7, 1e7 + 1}


def test_truncation_keeps_its_bounds_in_float32() -> None:
    low, high = 0.1, 0.30000001
    drawn = sampling.truncated_normal(
        100_000, low=low, high=high, bounds="absolute", seed=1, dtype="float32"
    )
    assert drawn.astype(float).min() >= low
    assert drawn.astype(float).max() <= high


def test_bounds_in_sd_and_absolute_agree() -> None:
    inside = sampling.truncated_normal(1000, low=-1, high=3, mean=10, sd=2, seed=1)
    absolute = sampling.truncated_normal(
        1000, low=8, high=16, bounds="absolute", mean=10, sd=2, seed=1
    )
    assert np.array_equal(inside, absolute)


def test_rare_masks_are_as_rare_as_they_should_be() -> None:
    """p = 2⁻⁴⁰ is below the 32 bits of a word: the first word alone would round it to 0 or 2⁻³²."""
    drawn = np.zeros(1 << 16, dtype=np.uint8)
    for k in range(64):
        drawn |= sampling.bernoulli(1 << 16, 2.0**-40, seed=k).view(np.uint8)
    assert not drawn.any()
    assert sampling.bernoulli(1000, 1.0, seed=1).all()
    assert not sampling.bernoulli(1000, 0.0, seed=1).any()


def test_permutations_depend_on_seed_stream_and_length_alone() -> None:
    assert np.array_equal(sampling.permutation(1000, seed=1), sampling.permutation(1000, seed=1))
    others = [
        sampling.permutation(1000, seed=2),
        sampling.permutation(1000, seed=1, stream="a"),
        sampling.permutation(1001, seed=1)[:1000],
    ]
    assert not any(np.array_equal(sampling.permutation(1000, seed=1), p) for p in others)


class TestTorch:
    """Promise: tensors get the same bits, whatever their memory looks like."""

    @pytest.fixture(autouse=True)
    def torch(self) -> Any:
        return pytest.importorskip("torch")

    def test_new_tensors(self, torch: Any) -> None:
        drawn = sampling.normal((3, 4), seed=1, like="torch")
        assert drawn.dtype == torch.get_default_dtype()
        assert np.array_equal(drawn.numpy(), sampling.normal((3, 4), seed=1, dtype="float32"))
        drawn = sampling.integers(9, high=6, seed=1, like="torch")
        assert np.array_equal(drawn.numpy(), sampling.integers(9, high=6, seed=1))
        assert sampling.permutation(9, seed=1, like="torch").dtype == torch.int64
        assert sampling.bernoulli(9, 0.5, seed=1, like="torch").dtype == torch.bool
        assert sampling.uniform(2, seed=1, dtype=torch.float64, like="torch").dtype == torch.float64

    def test_a_tensor_on_cuda_gets_the_same_bits(self, torch: Any) -> None:
        if not torch.cuda.is_available():
            pytest.skip("needs a CUDA device")
        filled = torch.empty(1000, device="cuda")
        sampling.normal(1000, seed=1, out=filled)
        wanted = torch.from_numpy(sampling.normal(1000, seed=1, dtype="float32"))
        assert torch.equal(filled.cpu(), wanted)

    def test_out(self, torch: Any) -> None:
        wanted = torch.from_numpy(sampling.normal((4, 6), seed=1, dtype="float32"))
        layer = torch.nn.Linear(6, 4)
        for out in (torch.empty(4, 6), torch.empty(6, 4).T, layer.weight):
            assert sampling.normal(out=out, seed=1) is out
            assert torch.equal(out.detach(), wanted)

    def test_what_cannot_be_filled_is_refused(self, torch: Any) -> None:
        for out in (torch.empty(3, device="meta"), torch.empty(3, dtype=torch.bfloat16)):
            with pytest.raises(InputError):
                sampling.normal(out=out, seed=1)


REFUSED: list[tuple[str, Callable[[], object], str]] = [
    ("no seed", lambda: sampling.normal(3, seed=None), "Choose one, such as seed=0"),  # type: ignore[arg-type]
    ("a seed below 0", lambda: sampling.normal(3, seed=-1), "Did you mean 18446744073709551615"),
    ("a seed of text", lambda: sampling.normal(3, seed="a"), "whole number; got 'a'"),  # type: ignore[arg-type]
    ("a bool as seed", lambda: sampling.normal(3, seed=True), "got True"),
    ("a stream below 0", lambda: sampling.normal(3, seed=1, stream=-1), "stream must lie in"),
    ("a float as stream", lambda: sampling.normal(3, seed=1, stream=1.5), "a name or a whole"),  # type: ignore[arg-type]
    ("an offset below 0", lambda: sampling.normal(3, seed=1, offset=-1), "offset must lie in"),
    ("the end", lambda: sampling.normal(3, seed=1, offset=2**48 - 2), "pass the end"),
    ("a State and a stream", lambda: sampling.normal(3, seed=State(1), stream=2), "child(2)"),
    ("no shape", lambda: sampling.normal(seed=1), "shape is missing"),
    ("a size below 0", lambda: sampling.normal((3, -1), seed=1), "from 0 on"),
    ("a float as shape", lambda: sampling.normal(2.0, seed=1), "int or a tuple"),  # type: ignore[arg-type]
    ("an endless shape", lambda: sampling.normal((2**40, 2**40), seed=1), "2**48 values"),
    ("float16", lambda: sampling.normal(3, seed=1, dtype="float16"), "float32 or float64"),
    ("no type at all", lambda: sampling.normal(3, seed=1, dtype="what"), "got 'what'"),
    ("another byte order", lambda: sampling.normal(3, seed=1, dtype=">f4"), "got '>f4'"),
    ("out of int", lambda: sampling.normal(out=np.empty(3, int), seed=1), "got dtype('int64')"),
    ("a list as out", lambda: sampling.normal(out=[0.0], seed=1), "got list"),
    ("shapes that differ", lambda: sampling.normal(3, out=np.empty(4), seed=1), "do not agree"),
    ("like what", lambda: sampling.normal(3, seed=1, like="jax"), "'numpy' or 'torch'"),
    ("no threads", lambda: sampling.normal(3, seed=1, threads=0), "from 1 on"),
    ("sd below 0", lambda: sampling.normal(3, seed=1, sd=-2.0), "Did you mean 2.0?"),
    ("sd NaN", lambda: sampling.normal(3, seed=1, sd=float("nan")), "sd must be a number"),
    ("mean inf", lambda: sampling.normal(3, seed=1, mean=float("inf")), "finite"),
    ("mean in float32", lambda: sampling.normal(3, seed=1, mean=1e39, dtype="float32"), "float64"),
    (
        "low above high",
        lambda: sampling.uniform(3, seed=1, low=2, high=1),
        "mean low=1.0, high=2.0",
    ),
    ("low is high", lambda: sampling.uniform(3, seed=1, low=1, high=1), "low < high"),
    ("too wide", lambda: sampling.uniform(3, seed=1, low=-1e308, high=1e308), "narrower"),
    (
        "nothing between",
        lambda: sampling.uniform(3, seed=1, low=1, high=1 + 1e-9, dtype="f4"),
        "float64",
    ),
    ("integers: low is high", lambda: sampling.integers(3, high=0, seed=1), "low < high"),
    ("integers: a float", lambda: sampling.integers(3, high=2.5, seed=1), "high must be a whole"),  # type: ignore[arg-type]
    (
        "integers: too wide",
        lambda: sampling.integers(3, high=300, seed=1, dtype="uint8"),
        "[0, 256)",
    ),
    ("p in percent", lambda: sampling.bernoulli(3, 30, seed=1), "Did you mean 0.3?"),
    ("p NaN", lambda: sampling.bernoulli(3, float("nan"), seed=1), "p must be a number"),
    ("bounds what", lambda: sampling.truncated_normal(3, seed=1, bounds="x"), "'sd' or 'absolute'"),
    ("sd 0", lambda: sampling.truncated_normal(3, seed=1, sd=0), "above 0"),
    (
        "bounds above all",
        lambda: sampling.truncated_normal(3, seed=1, low=np.inf, high=np.inf),
        "below high",
    ),
    ("n below 0", lambda: sampling.permutation(-1, seed=1), "from 0 on"),
    ("a position", lambda: sampling.permutation(3, seed=State(1, 0, 5)), "no position"),
    ("too few", lambda: sampling.compare(10), "at least 100"),
]


@pytest.mark.parametrize(("call", "said"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED])
def test_bad_input_is_refused_with_a_remedy(call: Callable[[], object], said: str) -> None:
    with pytest.raises(InputError) as caught:
        call()
    assert said in str(caught.value)


def test_a_read_only_array_stays_as_it_is() -> None:
    out = np.zeros(3)
    out.flags.writeable = False
    with pytest.raises(InputError, match="read-only"):
        sampling.normal(out=out, seed=1)
    assert not out.any()


def test_a_state_is_saved_and_comes_back() -> None:
    state = State(7, "weights").advanced(12)
    assert State.from_json(state.to_json()) == state
    assert State.from_dict(state.to_dict()) == state
    assert state.child("bias") == State(7, "weights/bias")
    for text in ("", "{}", "[1]", '{"seed": 1, "stream": 0, "position": -1}', "null"):
        with pytest.raises(InputError):
            State.from_json(text)
