"""The ``qualia`` command: arguments, progress bars and printing. Nothing imports it."""
