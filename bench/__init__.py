"""Measures Trunkline black-box, as ratios to floors taken in the same run."""
