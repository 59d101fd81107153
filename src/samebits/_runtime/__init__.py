"""What several packages do to Python and torch, each once: import hooks, patches, kernels, builds, scopes."""
