"""What a vehicle meets, evaluated on a trace: who sees it, when it brakes, whether it stops."""
