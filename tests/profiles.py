"""Profiles with latencies that are written down, for tests of what is made of them."""

from simulator.evidence.profiles import Calls, Profile, Provenance, ThreadRun

ABOUT = Provenance(processor="a processor", cores=2, system="none", libraries={"lib": "1"}, date="2026-01-02", weights="random")


def profile(model, precision="fp32", *, device="here", busy=None, **batches):
    """A profile with one thread; `b4=[...]` are the latencies of batches of 4, in ms; busy: what other programs took."""
    calls = [Calls(batch=int(name[1:]), latency_ms=times, idle_ms=[0.0] * len(times)) for name, times in batches.items()]
    run = ThreadRun(threads=1, session_s=[0.1], resident_mb=1, calls=calls, others_share=busy)
    return Profile(model=model, precision=precision, device=device, input_shape=[3, 8, 8], provenance=ABOUT, runs=[run])


def steady(value, calls=20):
    """Latencies that do not vary."""
    return [float(value)] * calls
