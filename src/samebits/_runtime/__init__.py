"""What several packages do to Python and torch, each once: imports, patches, scopes, forks, native code."""
