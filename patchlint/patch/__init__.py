"""Series in, images out: diffs, sparse images from hunks, whole images from a tree."""
