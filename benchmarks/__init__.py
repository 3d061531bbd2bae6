"""Benchmarks of the project's claims about speed: ratios of CPU time within one run, never wall time.

``python -m benchmarks [NAME ...] [--quick]`` runs all or the named ones (``make bench`` runs all).
One module per benchmark, each with ``run(quick) -> Report``; beside them ``planted`` (data),
``notebook`` (the plain way), ``timing`` and ``report``. Both sides of a comparison run in one process,
warmed, on one thread each.
"""
