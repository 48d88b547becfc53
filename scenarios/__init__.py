"""Scenarios, contract terms and evidence that ship with Headwater: data, no code."""
