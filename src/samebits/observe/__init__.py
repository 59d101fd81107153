"""What is seen of a run: the hooks in torch, the observers of operations, names, and what is read when."""
