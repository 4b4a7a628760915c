"""R2D2: a differential drive that can jump.

Six discrete actions, applied at each physics step (dt 0.0165 s):

====== ============ =====================================================
action name         effect
====== ============ =====================================================
0      idle         coasts; the floor takes about 2.5 m/s every second
1      forward      +0.2 m/s along its heading, up to 10 m/s
2      backward     -0.2 m/s along its heading, up to 10 m/s
3      turn right   -1 rad/s about its own axis, up to 4 pi rad/s
4      turn left    +1 rad/s about its own axis, up to 4 pi rad/s
5      jump         5 m/s upwards (1.2 m high), only while a wheel touches something
====== ============ =====================================================

The drive is idealised: it sets the base's velocity instead of spinning wheels, and a gyroscope
keeps the robot upright. The actions mean what they mean in OMNI-EPIC, so that its tasks run here.

Reward terms of the robot, per physics step: `energy_penalty`, 0 when idle, -0.2 driving, -0.1
turning, -0.5 jumping.

Proprioception, 13 numbers: velocity in the yaw frame (3, m/s, divided by 10), yaw rate (divided by
4 pi), up vector (3), heading (cosine and sine of the yaw in the world frame), position relative to
where the episode began (3, world frame, compressed: see `scene.compress`), and whether a wheel
touches something (0 or 1).

A person drives it with these six actions too. Whoever presses "left" wants it to turn at a pace
that can be steered, and to stop turning on release; the action adds 3 to 4 rad/s, which then fade
over half a second. So keys say what is wanted, and each step takes the action that comes nearest to
it: a turn where the robot turns too slowly, one the other way where it turns on after the release,
else the drive, up to half of the robot's top speed unless Shift is held, since most courses are
short. What a person can do with it, an agent could.
"""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import Any

import numpy as np
from gymnasium.spaces import Discrete
from numpy.typing import NDArray

from ..base import BaseEnv
from ..client.client import PhysicsClient
from ..data_sheets import SHEETS, heaviest_pushed
from ..manual import Control, Driving, Words
from ..robot import Robot, load_urdf
from ..rotation import forward_vector, up_vector, yaw_of

PLAYED_TURN_RAD_S = 2.6
"""The pace of a turn while its key is held: two and a half seconds around."""
PLAYED_DRIVE_M_S = 5.0
"""Up to this speed the robot drives on while its key is held; with "fast", up to its own limit."""
NEAR_ENOUGH_RAD_S = 1.5
"""Half of what one turning action changes: below this, another one would overshoot."""


class R2D2Robot(Robot):
    """The robot itself; see the module docstring for its actions, rewards and observation."""

    wheels_below_m = -0.42
    """Only wheels are lower than this, in the frame of the base."""
    drive_increment_m_s = 0.2
    drive_limit_m_s = 10.0
    turn_increment_rad_s = 1.0
    turn_limit_rad_s = 4 * math.pi
    jump_speed_m_s = 5.0
    righting_gain_per_s = 30.0
    """Rate at which the gyroscope removes a tilt: it halves in one physics step."""

    action_space = Discrete(6)
    proprioception_size = 13
    place_numbers = slice(9, 12)
    reward_names = ("energy_penalty",)
    clearance_m = 0.6
    # Inside the lens: nothing of the robot is ahead of it, and a wall it touches is.
    eye_offset_m = (0.19, 0.0, 0.36)
    energy_penalty = (0.0, -0.2, -0.2, -0.1, -0.1, -0.5)

    scripts = MappingProxyType(
        {"driving straight ahead": (1,), "driving and jumping ahead": (1, 1, 1, 5)}
    )
    controls = (
        Control("forward", "Forward", ("ArrowUp", "KeyW"), "↑ W", "↑"),
        Control("left", "Turn left", ("ArrowLeft", "KeyA"), "← A", "←"),
        Control("right", "Turn right", ("ArrowRight", "KeyD"), "→ D", "→"),
        Control("backward", "Backward, brake", ("ArrowDown", "KeyS"), "↓ S", "↓"),
        Control("jump", "Jump", ("Space",), "Space", "Jump"),
        Control("fast", "Full speed", ("ShiftLeft", "ShiftRight"), "Shift"),
    )
    words = Words(
        "The robot is R2D2: 0.94 m tall, 0.6 m wide, 60 kg, on wheels. Its six actions are "
        "idle, drive forward, drive backward, turn right, turn left, and jump. From rest it comes "
        "to {top_speed_m_s} m/s within {to_top_speed[0]} m and {to_top_speed[1]} s; from there it "
        "brakes within {brake_from_10_m_s[0]} m and coasts {coast_from_10_m_s[0]} m. One turn "
        "action turns it by {one_turn_action[0]} degrees, three in a row by "
        "{three_turn_actions[0]}, on the spot too; meanwhile it drifts on as it went. It jumps off "
        "anything it stands on, {jump_height_m} m high, {jump_at_10_m_s_m} m far at full speed and "
        "{standing_jump_driving_in_the_air_m} m from rest, for in the air it drives and turns as "
        "on the ground. It gets over ledges of {ledge_driven_m} m driving and {ledge_jumped_m} m "
        "jumping, and up slopes of {slope_deg} degrees. It cannot grasp or lift: it pushes, boxes "
        "of its own weight nearly at full speed, of {heaviest} kg slowly, heavier ones not at all. "
        "It stays upright by itself.".format(**SHEETS["r2d2"], heaviest=heaviest_pushed("r2d2", 2)),
        moves_by="driving, turning and jumping",
        start_height="0.5",
        placing="The robot's base rests 0.47 m above its floor: place it 0.5 m above, clear of all "
        "bodies.",
        placing_in_short="Place the robot 0.5 m above its floor, clear of all bodies.",
    )

    def load(self, client: PhysicsClient) -> int:
        return load_urdf(client, "r2d2", [0.0, 0.0, 0.5])

    def apply_action(self, action: Any) -> None:
        action = int(action)
        _, orientation, velocity, (_, _, turn) = self.base_state()
        up_x, up_y, up_z = up_vector(orientation)
        # The rotation that brings `up` onto the world's z axis is about up x z = (up_y, -up_x, 0).
        sine = math.hypot(up_x, up_y)
        tilt = math.atan2(sine, up_z)
        righting = self.righting_gain_per_s * tilt / sine if sine > 1e-9 else 0.0
        if action == 3:
            turn -= self.turn_increment_rad_s
        elif action == 4:
            turn += self.turn_increment_rad_s
        limit = self.turn_limit_rad_s
        angular_velocity = [
            min(max(righting * up_y, -limit), limit),
            min(max(-righting * up_x, -limit), limit),
            min(max(turn, -limit), limit),
        ]
        if action == 1 or action == 2:
            push = self.drive_increment_m_s if action == 1 else -self.drive_increment_m_s
            forward = forward_vector(orientation)
            driven = [velocity[i] + push * forward[i] for i in range(3)]
            speed = math.hypot(*driven)
            if speed > self.drive_limit_m_s:
                driven = [v * self.drive_limit_m_s / speed for v in driven]
            self._p.resetBaseVelocity(self.robot_id, driven, angular_velocity)
        elif action == 5 and self.is_standing:
            leap = [velocity[0], velocity[1], self.jump_speed_m_s]
            self._p.resetBaseVelocity(self.robot_id, leap, angular_velocity)
        else:
            self._p.resetBaseVelocity(self.robot_id, angularVelocity=angular_velocity)

    @property
    def is_standing(self) -> bool:
        """Whether any wheel touches anything."""
        contacts = self._p.getContactPoints(self.robot_id)
        if not contacts:
            return False
        (x, y, z), orientation, _, _ = self.base_state()
        up_x, up_y, up_z = up_vector(orientation)
        lowest: float = min(
            up_x * (at[0] - x) + up_y * (at[1] - y) + up_z * (at[2] - z)
            for at in (contact[5] for contact in contacts)
        )
        return lowest < self.wheels_below_m

    def get_observation(self) -> NDArray[np.float32]:
        position, orientation, (x, y, z), (_, _, turn) = self.base_state()
        yaw = yaw_of(orientation)
        cosine, sine = math.cos(yaw), math.sin(yaw)
        return np.array(
            [
                (cosine * x + sine * y) / self.drive_limit_m_s,
                (cosine * y - sine * x) / self.drive_limit_m_s,
                z / self.drive_limit_m_s,
                turn / self.turn_limit_rad_s,
                *up_vector(orientation),
                cosine,
                sine,
                *self.compressed_way(position),
                float(self.is_standing),
            ],
            dtype=np.float32,
        )

    @classmethod
    def choose_action(cls, driving: Driving) -> list[float]:
        idle, forward, backward, turn_right, turn_left, jump = map(float, range(6))
        if "jump" in driving.pressed:
            return [jump]
        lacking = PLAYED_TURN_RAD_S * driving.balance("left", "right") - driving.turn_rad_s
        if abs(lacking) > NEAR_ENOUGH_RAD_S:
            return [turn_left if lacking > 0 else turn_right]
        ahead = driving.balance("forward", "backward")
        if ahead * driving.speed_m_s > PLAYED_DRIVE_M_S and "fast" not in driving.wanted:
            return [idle]
        return [{1: forward, -1: backward, 0: idle}[ahead]]

    def get_rewards(self, action: Any) -> dict[str, float]:
        return {"energy_penalty": self.energy_penalty[int(action)]}


class R2D2Env(BaseEnv, robot=R2D2Robot):
    """Base class of tasks for R2D2."""
