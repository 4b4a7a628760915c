"""What the code of a task may name, and how a source becomes a class.

- `allowed`: the names; `sandbox.language_policy` reads the same lists before any code runs
- `facades`: what stands behind the names of numpy, math and random
- `loading`: from source code to an environment class
"""
