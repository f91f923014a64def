"""Bad days on purpose: attacks on the whole platform, and a count of what they cost.

Each attack ends with a count: tries, what was lost, what was wrong, and what a person had to do.
They stand beside `benchmarks/`, because like those they print a table that goes into the docs, and
not beside the tests, which say only pass or fail.

Belongs here: attacks, and what they share. Does not belong here: the tests of what an attack once
found, which are fast and stand beside the tests of the module that was wrong.
"""
