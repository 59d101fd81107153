"""What every result is, in numpy: slow, and the definition that the fast kernels are tested against."""
