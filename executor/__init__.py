"""Runs checks and trials as jobs: plain data in, plain data out, each with its own deadline.

- `job`: what a job and its result are, and `run_job`, which does one
- `local.LocalExecutor`: runs jobs on this machine, in as many processes as wanted
- `worker`: what such a process runs

A job holds no database handle and shares no state, and doing it twice gives the same answer:
another executor can send it to another machine.
"""
