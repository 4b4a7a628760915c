"""Cameras and renderers.

- `subjects`: which bodies a picture is about; `camera`: where to stand so that all of them show
- `rendering`: pictures from a camera, on the CPU, or by `egl` on the GPU
- `painting`: large boxes, painted quickly by numpy as PyBullet shades them
- `vision`: colour and depth from the robot's eye
"""
