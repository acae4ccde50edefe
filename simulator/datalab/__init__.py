"""The data lab: photos and labels as choices with a price, a head fitted again, and what the next dollar buys."""
