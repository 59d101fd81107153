"""What maintainers run and users never import: `python -m tools.NAME`, from the checkout."""
