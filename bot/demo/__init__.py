"""The main job with nothing to configure: both embedded servers, the unchanged bot as a
process of its own, and somebody who plays a member.
"""

from bot.demo.headless import headless_demo
from bot.demo.live import live_demo

__all__ = ["headless_demo", "live_demo"]
