"""patchlint tells which promise of the kernel to user space a patch series weakens."""

__version__ = "0.1.0"
