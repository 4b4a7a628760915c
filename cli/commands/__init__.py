"""The commands of the command line, each thin: it parses, calls the rooms below, and prints.

Whatever is slow to load is imported where it is used, so that `--help` and `ls` come at once.
"""
