"""Writes the demo users that ship with the package: ``python -m demo_generator``.

``themes`` holds their prose, ``pictures`` the code that draws their pins, ``corpus`` puts both together.
Nothing in ``qualia_assets``, its tests or the benchmarks imports this folder, and the wheel leaves it out:
they read what it wrote into ``qualia_assets/sources/demo``.
"""
