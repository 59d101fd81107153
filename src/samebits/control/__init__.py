"""What `samebits run` and `--seed` change in a program: seeds, generators, loaders, the order of results."""
