"""From a bare Python to a standing environment: what ``grade.py`` does before it can grade.

Standard library only, since nothing is installed yet. Must not import the engine, and the
engine must not import it. The modules, low to high:

    notices      lines on standard error, and one that is rewritten while something runs
    trouble      what can go wrong, each with its cure
    stamp        the file that says which environment stands
    agreement    whether pyproject.toml, uv.lock and the two exports tell the same story
    lock         one run at a time builds
    installers   uv, else venv and pip
    build        a missing, half-made or outdated environment is made anew
    launch       the way from ``python grade.py`` into the environment

A run with a standing environment reaches only ``stamp`` and ``launch``.
"""
