"""Portable arithmetic: every floating point operation of a training step has one result, on any machine.

`reference` says what each result is, slowly, in numpy; `native` computes the same in C for every set of
instructions of a CPU, `_triton` on CUDA; `mode` puts them under torch's operations.
docs/reference/portable.md is the definition in words.
"""
