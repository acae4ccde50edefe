"""Words for what a gate may use besides an attribute of the requests."""

#: What a gate may use besides an attribute of the requests.
SCORE, QUALITY, OOD, RANDOM, SENSOR, FRAME = "score", "quality", "ood", "random", "sensor", "frame"

#: All of these.
OWN = (SCORE, QUALITY, OOD, RANDOM, SENSOR, FRAME)

#: Those that go by a check of the photo: that it shows enough, and that it shows what the model was made for.
BY_CHECK = (QUALITY, OOD)
