"""What is recorded of a policy at work.

- `film`: trained beside untrained, as GIF, MP4 or a strip of frames
- `replay`: poses of all bodies, a few kB, for the browser
- `playing`: the episodes that both are made of
"""
