"""Verification jobs as programs: who asks, who runs the model, and who checks."""
