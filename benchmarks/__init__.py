"""Benchmarks: Headwater beside other engines, on the same work."""
