"""Files from outside: fetch them, and find out what they really are.

``download`` fetches (``hosts`` says from where, ``pinned`` keeps DNS honest), ``pictures`` and
``videos`` look inside (``containers`` at the frame of a video file, ``ffmpeg`` at its content),
``fit`` makes a video smaller; ``bounded`` keeps the machine responsive, ``room`` some of the disk
free. Errors: ``bot.errors`` Expired, Unreachable, NotStored, Unusable.
"""

from bot.media.download import Downloaded, Fetcher
from bot.media.ffmpeg import find_ffmpeg
from bot.media.fit import fit
from bot.media.hosts import AllowedHosts
from bot.media.pictures import PICTURE_LIMIT, CheckedPicture, check_declared, check_picture
from bot.media.room import Room
from bot.media.videos import LENGTH_LIMIT, VIDEO_LIMIT, CheckedVideo, check_video

__all__ = [
    "LENGTH_LIMIT",
    "PICTURE_LIMIT",
    "VIDEO_LIMIT",
    "AllowedHosts",
    "CheckedPicture",
    "CheckedVideo",
    "Downloaded",
    "Fetcher",
    "Room",
    "check_declared",
    "check_picture",
    "check_video",
    "find_ffmpeg",
    "fit",
]
