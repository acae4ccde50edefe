"""Detectors on labelled images: preparing, decoding, corrupting, quantizing, judging. Needs the extra `measure`, not torch."""
