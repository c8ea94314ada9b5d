"""桥梁 Bridges; see README.md."""
