"""An IRC channel for Trunkline: a package of its own, found by its entry points."""
