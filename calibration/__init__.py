"""Calibration: parameters fitted to published facts, each with a script that fits them again."""
