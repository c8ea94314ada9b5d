"""联动机制: rows of who does what within what time, compiled into the form that runs."""
