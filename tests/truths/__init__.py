"""What theory, recursions and another program know: one registry behind the tests and behind the report of `make truths`."""
