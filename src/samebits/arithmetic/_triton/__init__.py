"""Triton kernels, a file beside each of `samebits.arithmetic`; imported only where one is about to run."""
