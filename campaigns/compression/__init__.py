"""Smaller networks for the skin case: pruned, distilled at a smaller input, and trained with 8-bit rounding."""
