"""Sensitivity: which uncertain numbers an outcome hangs on (docs/sensitivity.md)."""
