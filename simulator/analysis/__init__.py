"""What a run means: statistics, metrics with intervals, the scorecard."""
