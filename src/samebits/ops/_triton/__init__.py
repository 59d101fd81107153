"""Triton kernels, a file beside each of `samebits.ops`; imported only where one is about to run."""
