"""Places where roots are left, which the operator of the platform does not control."""
