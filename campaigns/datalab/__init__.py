"""How the evidence of the data lab was made: features of labelled photos, and how readers of photos differ."""
