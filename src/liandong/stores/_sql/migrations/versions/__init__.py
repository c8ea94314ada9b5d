"""One file per step; a released one is never changed. The names are ones that can be imported."""
