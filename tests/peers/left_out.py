"""Tests of theirs that are not run, each with the reason.

A name without parameters stands for all of them.  A name that a checkout does not have is reported.
"""

from __future__ import annotations

from typing import Final

_FABRIC = "tests/tests_fabric/utilities/test_seed.py"
_TRAINER = "tests/tests_pytorch/utilities/test_seed.py"
_TUNE = "tests/torchtune/training/test_seed.py"
_BANK = "tests"

_STALE = (
    "their fault: without a seed, one is read from a variable that an earlier call or another program left; "
    "samebits draws one and says so"
)
_FLOAT = "their fault: a float is rounded to a seed; samebits refuses every float with TypeError"
_FILE = "reads a configuration file, which samebits does not"
_PASSED_THROUGH = "hands an object of numpy's back or on: no code of samebits would run"
_NO_JAX = "makes a JAX key, which samebits does not"
_NO_CUPY = "makes a CuPy generator; samebits seeds CuPy's global one only"

LEFT_OUT: Final[dict[str, str]] = {
    f"{_FABRIC}::test_default_seed": "asserts that no seed means 0; samebits draws one and says so",
    f"{_FABRIC}::test_seed_stays_same_with_multiple_seed_everything_calls": _STALE,
    f"{_FABRIC}::test_correct_seed_with_environment_variable": _STALE,
    f"{_FABRIC}::test_seed_everything_accepts_valid_seed_from_env": _STALE,
    f"{_FABRIC}::test_invalid_seed": _STALE,
    f"{_FABRIC}::test_out_of_bounds_seed": _FLOAT,
    f"{_FABRIC}::test_reset_seed_no_op": "asserts that nothing happens: no code of samebits would run",
    f"{_FABRIC}::test_reset_seed_non_verbose": "counts log lines; samebits returns what it did and logs none",
    f"{_FABRIC}::test_backward_compatibility_rng_states_dict": (
        "loads an older form of their states; samebits' forms say their version, and others are refused"
    ),
    f"{_TRAINER}::test_isolate_rng_cuda": (
        "asserts which functions of torch.cuda are called (on a machine without CUDA, too), not what "
        "becomes of a generator"
    ),
    f"{_TUNE}::TestSeed::test_deterministic_false": (
        "asserts that cuDNN picks algorithms by time; samebits never switches that on"
    ),
    f"{_BANK}/test_generator.py::test_generator_convert_from_rs": _PASSED_THROUGH,
    f"{_BANK}/test_generator.py::test_generator_passthrough": _PASSED_THROUGH,
    f"{_BANK}/test_randomstate.py::test_random_state_passthrough": _PASSED_THROUGH,
    f"{_BANK}/test_randomstate.py::test_generator_convert_to_rs": _PASSED_THROUGH,
    f"{_BANK}/test_process_seed.py::test_make_key_ndarray": (
        "an array is its own key; parts of samebits' keys are names and numbers"
    ),
    f"{_BANK}/test_init_file.py::test_init_toml_fn": _FILE,
    f"{_BANK}/test_init_file.py::test_init_toml": _FILE,
    f"{_BANK}/test_init_file.py::test_init_JSON": _FILE,
    f"{_BANK}/test_init_file.py::test_init_yaml": _FILE,
    f"{_BANK}/test_init_file.py::test_init_toml_path": _FILE,
    f"{_BANK}/test_jax.py::test_jax_key": _NO_JAX,
    f"{_BANK}/test_jax.py::test_jax_newkey": _NO_JAX,
    f"{_BANK}/test_jax.py::test_jax_samekey": _NO_JAX,
    f"{_BANK}/test_cupy_generator.py::test_generator": _NO_CUPY,
    f"{_BANK}/test_cupy_generator.py::test_generator_seed": _NO_CUPY,
    f"{_BANK}/test_cupy_generator.py::test_generator_seed_seq": _NO_CUPY,
    f"{_BANK}/test_cupy_generator.py::test_generator_passthrough": _NO_CUPY,
}
