"""Triton kernels of `samebits.random`; imported only where one is about to run."""
