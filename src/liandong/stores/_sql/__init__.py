"""Tables, migrations and queries in SQLAlchemy Core for the neighbours; no engine of its own."""
