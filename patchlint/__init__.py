"""patchlint: which promise of the kernel to user space does a patch series weaken?"""

__version__ = "0.1.0"
