"""What replications of a plan mean: metrics with intervals, comparisons, advice, explanations."""
