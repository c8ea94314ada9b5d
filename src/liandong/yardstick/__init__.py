"""The system measured on public data, scored as the publishers of the data score it."""
