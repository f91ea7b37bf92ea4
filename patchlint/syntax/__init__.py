"""Image in, facts out: the macro pre-pass and tree-sitter live here and nowhere else."""
