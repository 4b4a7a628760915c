"""Exports: kept tasks as things that trainers can use without Taskwright.

- `package.export_package`: an installable Gymnasium package
"""
