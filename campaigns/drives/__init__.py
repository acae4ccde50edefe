"""What detectors saw on recorded drives, beside what was there: reading, matching, sums with intervals."""
