"""Every implementation of the fingerprint gives the same bits, for ever; no change of a tensor escapes it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from samebits.observe import observer, reference
from samebits.observe.digest import digest, hexdigest

GOLDEN = Path(__file__).parents[1] / "golden" / "digest.json"
TIERS = ("plain", "avx2", "avx512")
WHOLE = 2048 * 8  # bytes a row

DTYPES = [
    getattr(torch, name)
    for name in reference.DTYPES
    if hasattr(torch, name) and not name.startswith("q") and "bits" not in name
]

Native = tuple[str, Callable[[torch.Tensor], int]]


def content(nbytes: int) -> torch.Tensor:
    """Bytes of no particular pattern; the recipe of the golden vectors, never to be changed."""
    i = torch.arange(nbytes, dtype=torch.int64)
    return ((i * 167 + (i >> 8) * 13 + (i >> 16) * 5) & 255).to(torch.uint8)


def bits(tensor: torch.Tensor) -> torch.Tensor:
    """A copy of a tensor's bytes."""
    return torch.tensor(list(bytes(reference.tensor_bytes(tensor))), dtype=torch.uint8)


@pytest.fixture(scope="module")
def native() -> ModuleType:
    module = observer.load()
    if getattr(module, "__file__", None) is None:
        pytest.skip("there is no native observer on this machine")
    return module


@pytest.fixture
def implementations(native: ModuleType) -> Iterator[list[Native]]:
    def tier(name: str) -> Callable[[torch.Tensor], int]:
        def run(tensor: torch.Tensor) -> int:
            assert native.tier(name)
            value: int = native.digest(tensor)
            return value

        return run

    found: list[Native] = [(name, tier(name)) for name in TIERS if native.tier(name)]
    found.append(("eager", lambda tensor: native.digest(tensor, True)))
    try:
        yield found
    finally:
        native.tier("auto")


@pytest.fixture
def threads() -> Iterator[Callable[[int], None]]:
    before = torch.get_num_threads()
    try:
        yield torch.set_num_threads
    finally:
        torch.set_num_threads(before)


def check(implementations: list[Native], tensor: torch.Tensor) -> None:
    expected = reference.tensor_digest(tensor)
    assert {name: run(tensor) for name, run in implementations} == {
        name: expected for name, _ in implementations
    }


# -- one definition, many implementations ----------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_dtypes(implementations: list[Native], dtype: torch.dtype) -> None:
    check(implementations, content(16 * 37).view(dtype))


@pytest.mark.filterwarnings("ignore:ComplexHalf support is experimental")
def test_dtype_numbers_are_those_of_torch(native: ModuleType) -> None:
    # An empty tensor's fingerprint is the fold of its dtype and shape, nothing else.
    for dtype in DTYPES:
        number = reference.dtype_number(dtype)
        assert native.digest(torch.empty(0, dtype=dtype)) == reference.finish(0, 0, number, (0,))


@pytest.mark.parametrize(
    "shape", [(), (0,), (1,), (3, 0, 2), (1, 1, 1), (7,), (13, 17), (2, 3, 5, 7), (4099,)], ids=str
)
def test_shapes(implementations: list[Native], shape: tuple[int, ...]) -> None:
    check(implementations, content(4 * int(np.prod(shape))).view(torch.float32).reshape(shape))


@pytest.mark.parametrize(
    "nbytes",
    [*range(1, 18), 63, 64, 65, 127, 129, 10 * WHOLE + 5]
    + [rows * WHOLE + more for rows in (1, 2) for more in (-9, -8, -7, -1, 0, 1, 7, 8, 9)],
)
def test_sizes_around_words_vectors_and_rows(implementations: list[Native], nbytes: int) -> None:
    check(implementations, content(nbytes))


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("nbytes", [(1 << 20) - 1, 1 << 20, (1 << 20) + 3, 3 * (1 << 20) + WHOLE + 9])
def test_threads(
    implementations: list[Native], threads: Callable[[int], None], nbytes: int, count: int
) -> None:
    threads(count)
    check(implementations, content(nbytes))


def test_many_rows_on_another_device(implementations: list[Native]) -> None:
    check(implementations, content(1025 * WHOLE + 24))  # past the eager path's batch of rows


STRIDED: dict[str, Callable[[], torch.Tensor]] = {
    "transposed": lambda: content(4 * 12 * 35).view(torch.float32).view(12, 35).t(),
    "permuted": lambda: content(2 * 4 * 6 * 10).view(torch.float16).view(4, 6, 10).permute(2, 0, 1),
    "sliced": lambda: content(8 * 64).view(torch.int64)[3::5],
    "offset by a byte": lambda: content(101)[1:],
    "column": lambda: content(4 * 9 * 9).view(torch.int32).view(9, 9)[:, 4],
    "expanded": lambda: content(4 * 7).view(torch.float32).view(7, 1).expand(7, 11),
    "expanded scalar": lambda: torch.tensor(1.5).expand(3, 4),
    "channels last": lambda: (
        content(4 * 2 * 3 * 5 * 7).view(torch.float32).view(2, 3, 5, 7).to(memory_format=torch.channels_last)
    ),
    "flipped windows": lambda: content(64).unfold(0, 8, 3),
    "conjugated": lambda: content(8 * 15).view(torch.complex64).conj(),
    "negated": lambda: content(8 * 15).view(torch.complex64).conj().imag,
    "wide transposed": lambda: content(16 * 6 * 5).view(torch.complex128).view(6, 5).t(),
    "large transposed": lambda: content(4 * 700 * 600).view(torch.float32).view(700, 600).t(),
}


@pytest.mark.parametrize("name", STRIDED)
def test_strides(implementations: list[Native], name: str) -> None:
    tensor = STRIDED[name]()
    check(implementations, tensor)
    assert digest(tensor) == digest(tensor.clone(memory_format=torch.contiguous_format))


def test_tensors_that_require_gradients_and_parameters() -> None:
    plain = torch.arange(5.0)
    assert digest(plain.clone().requires_grad_()) == digest(torch.nn.Parameter(plain)) == digest(plain)


def test_without_bytes_dtype_and_shape_tell(native: ModuleType) -> None:
    meta = torch.empty(3, 4, device="meta")
    assert native.digest(meta) == reference.tensor_digest(meta) == reference.meta_digest(meta)
    assert digest(meta) != digest(torch.empty(4, 3, device="meta"))


@pytest.mark.filterwarnings("ignore:.*(prototype|beta).*")
@pytest.mark.parametrize(
    "layout",
    [torch.sparse_coo, torch.sparse_csr, torch.sparse_csc, torch.sparse_bsr, torch.sparse_bsc],
    ids=str,
)
def test_sparse_tensors(native: ModuleType, layout: torch.layout) -> None:
    def sparse(dense: torch.Tensor) -> torch.Tensor:
        size = (2, 2) if layout in (torch.sparse_bsr, torch.sparse_bsc) else None
        return dense.to_sparse(layout=layout, blocksize=size)

    other = [torch.eye(4), torch.eye(4) * 2, torch.eye(4).flip(0), torch.zeros(4, 4), torch.eye(4).double()]
    values = [native.digest(sparse(dense)) for dense in other]
    assert values == [reference.tensor_digest(sparse(dense)) for dense in other]
    assert len(set(values)) == len(other)


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_nested_tensors(native: ModuleType) -> None:
    shapes = [(2, 3), (3, 2), (1, 4)]
    nested = [torch.nested.nested_tensor([torch.ones(n), torch.ones(m)]) for n, m in shapes]
    nested.append(torch.nested.nested_tensor([torch.ones(2), torch.zeros(3)]))
    values = [native.digest(tensor) for tensor in nested]
    assert values == [reference.tensor_digest(tensor) for tensor in nested]
    assert len(set(values)) == len(nested)


def test_digest_bytes_is_that_of_a_byte_tensor(native: ModuleType) -> None:
    data = content(1000)
    assert native.digest_bytes(bytes(data.tolist())) == digest(data)


def test_hexdigest() -> None:
    assert int(hexdigest(torch.zeros(3)), 16) == digest(torch.zeros(3))
    assert len(hexdigest(torch.zeros(3))) == 16


def test_what_is_no_tensor() -> None:
    with pytest.raises(TypeError, match=r"a torch\.Tensor is needed"):
        digest([1.0, 2.0])  # type: ignore[arg-type]


def test_without_a_native_observer() -> None:
    program = (
        "import torch; from samebits.observe.digest import digest; from samebits.observe import "
        "observer;assert not hasattr(observer.load(), '__file__');print(digest(torch.arange(10.0).view(2, "
        "5).t()))"
    )
    environment = {"SAMEBITS_OBSERVER": "python", "PYTHONPATH": str(Path(observer.__file__).parents[2])}
    out = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert out.stdout.strip() == str(digest(torch.arange(10.0).view(2, 5).t())), out.stderr


# -- known answers ---------------------------------------------------------------------------------------


def vector(row: dict[str, Any]) -> torch.Tensor:
    data = (
        torch.tensor(list(bytes.fromhex(row["hex"])), dtype=torch.uint8)
        if "hex" in row
        else content(row["bytes"])
    )
    dtype = getattr(torch, row["dtype"])
    return data.view(dtype).reshape(row["shape"]) if data.numel() else torch.empty(row["shape"], dtype=dtype)


def test_known_answers() -> None:
    golden = json.loads(GOLDEN.read_text())
    assert golden["format"] == "samebits.digest"
    assert golden["version"] == 1
    got = {row["name"]: f"{reference.tensor_digest(vector(row)):016x}" for row in golden["vectors"]}
    assert got == {row["name"]: row["digest"] for row in golden["vectors"]}
    assert [f"{int(k):016x}" for k in reference.keys()[:4]] == golden["first_keys"]


def test_the_written_specification_quotes_known_answers() -> None:
    text = (Path(__file__).parents[2] / "docs" / "reference" / "digest.md").read_text()
    quoted = re.findall(r"^\| `torch\..*` \| `(\w{16})` \|$", text, re.MULTILINE)
    assert quoted
    assert set(quoted) <= {row["digest"] for row in json.loads(GOLDEN.read_text())["vectors"]}


def test_known_answers_natively(implementations: list[Native]) -> None:
    for row in json.loads(GOLDEN.read_text())["vectors"]:
        for name, run in implementations:
            assert f"{run(vector(row)):016x}" == row["digest"], (row["name"], name)


# -- what must change it ---------------------------------------------------------------------------------


def test_every_single_bit() -> None:
    data = content(72)
    seen = {digest(data)}
    for byte in range(72):
        for bit in range(8):
            flipped = data.clone()
            flipped[byte] ^= 1 << bit
            seen.add(digest(flipped))
    assert len(seen) == 1 + 72 * 8


def test_every_pair_of_bits_of_a_word() -> None:
    data = content(24)
    seen = set()
    for i in range(64):
        for j in range(i):
            flipped = data.clone()
            flipped[8 + i // 8] ^= 1 << i % 8
            flipped[8 + j // 8] ^= 1 << j % 8
            seen.add(digest(flipped))
    assert len(seen) == 64 * 63 // 2


def test_every_swap() -> None:
    data = torch.arange(40, dtype=torch.float32)
    seen = {digest(data)}
    for i in range(40):
        for j in range(i):
            swapped = data.clone()
            swapped[[i, j]] = data[[j, i]]
            seen.add(digest(swapped))
    assert len(seen) == 1 + 40 * 39 // 2


def test_rows_that_change_places() -> None:
    # Rows of the fingerprint, whose hashes are added: their number keeps them apart.
    rows = content(4 * WHOLE).view(4, WHOLE)
    orders = [(a, b, c, d) for a in range(4) for b in range(4) for c in range(4) for d in range(4)]
    assert len({digest(rows[list(order)]) for order in orders}) == len(orders)


def test_cases_that_fooled_others() -> None:
    x = torch.randn(64, 64, generator=torch.Generator().manual_seed(0))
    changed = {
        "itself": x,
        "transposed": x.t(),
        "rows permuted": x.flip(0),
        "columns permuted": x.flip(1),
        "negated": -x,
        "halves exchanged": torch.cat([x[32:], x[:32]]),
        "two signs": x * torch.ones(64, 64).index_fill(1, torch.tensor([3, 9]), -1.0),
        "reshaped": x.reshape(32, 128),
        "flat": x.flatten(),
        "a dimension more": x[None],
        "zeros appended": torch.cat([x, torch.zeros(1, 64)]),
        "twice": torch.cat([x, x]),
        "as integers": x.view(torch.int32),
        "as halves": x.view(torch.bfloat16),
        "constant": torch.full((64, 64), 2.0),
        "another constant": torch.full((64, 64), 3.0),
    }
    assert len({digest(t) for t in changed.values()}) == len(changed)


def test_sign_of_zero_and_payload_of_nan() -> None:
    patterns = [0x00000000, 0x80000000, 0x7FC00000, 0x7FC00001, 0xFFC00000, 0x7F800001]
    values = [torch.from_numpy(np.array([1, p], dtype=np.uint32)).view(torch.float32) for p in patterns]
    assert len({digest(v) for v in values}) == len(values)
    assert digest(values[3]) == digest(values[3].clone())


@pytest.mark.filterwarnings("ignore:ComplexHalf support is experimental")
def test_empty_tensors_differ_by_dtype_and_shape() -> None:
    shapes = [(0,), (0, 1), (1, 0), (0, 0), (2, 0), (0, 2), (3, 0, 5)]
    seen = {digest(torch.empty(shape, dtype=dtype)) for shape in shapes for dtype in DTYPES}
    assert len(seen) == len(shapes) * len(DTYPES)


arrays = st.lists(st.integers(0, 255), min_size=2, max_size=200)


@given(arrays, st.data())
def test_any_other_bytes(values: list[int], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(values) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda v: v != values[at]))
    a = torch.tensor(values, dtype=torch.uint8)
    b = a.clone()
    b[at] = other
    assert digest(a) != digest(b)


@given(arrays, st.randoms(use_true_random=False))
def test_any_other_order(values: list[int], random: Any) -> None:
    shuffled = random.sample(values, len(values))
    a, b = (torch.tensor(v, dtype=torch.uint8) for v in (values, shuffled))
    assert (digest(a) == digest(b)) == (values == shuffled)


@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=5), st.lists(st.integers(1, 5), min_size=1, max_size=5)
)
def test_any_other_shape(a: list[int], b: list[int]) -> None:
    same = digest(torch.zeros(a)) == digest(torch.zeros(b))
    assert same == (a == b)


@given(st.integers(0, 5000), st.integers(0, 40), st.integers(1, 4))
def test_reference_and_native_agree(nbytes: int, offset: int, step: int) -> None:
    tensor = content(nbytes + offset)[offset::step]
    assert digest(tensor) == reference.tensor_digest(tensor)


def structured() -> Iterator[torch.Tensor]:
    """Inputs of low entropy, where a weak hash would collide."""
    for i in range(2048 * 8):  # one bit of a whole number of words
        data = torch.zeros(2048, dtype=torch.uint8)
        data[i // 8] = 1 << i % 8
        yield data
    constants = torch.arange(30_000, dtype=torch.int32)
    for row in constants[:, None].expand(-1, 16):  # constants
        yield row
    for row in constants.view(-1, 1) + torch.arange(4, dtype=torch.int32) + 100_000:  # counters
        yield row
    for n in range(10_000):  # all zeros, of every length
        yield torch.zeros(n, dtype=torch.int8)
    for n in range(20_000):  # sparse: two ones, over three rows
        row = torch.zeros(3 * 2048, dtype=torch.int64)
        row[n % 6000] = row[6000 + n // 6000] = 1
        yield row


def test_no_collision_in_a_hundred_thousand() -> None:
    count, seen = 0, set()
    for tensor in structured():
        seen.add(digest(tensor))
        count += 1
    assert count > 100_000
    assert len(seen) == count


def test_bits_are_balanced() -> None:
    """Over low-entropy inputs each of the 64 bits is set about half the time: none is stuck or biased."""
    values = np.array(
        [digest(row) for row in torch.arange(4096, dtype=torch.int64)[:, None]], dtype=np.uint64
    )
    share = [((values >> np.uint64(b)) & np.uint64(1)).mean() for b in range(64)]
    assert min(share) > 0.45
    assert max(share) < 0.55
