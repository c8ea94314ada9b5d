"""消防 Fire protection; see README.md."""
