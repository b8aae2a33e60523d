"""Local servers that speak the platforms' own protocols, for authors and tests of adapters."""
