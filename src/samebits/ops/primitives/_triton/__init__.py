"""The kernels of the primitives for CUDA; imported only where a tensor is there."""
