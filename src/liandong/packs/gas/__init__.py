"""燃气 Gas; see README.md."""
