"""Names of streams tell no secrets."""

from __future__ import annotations

import pytest

from rtseg.video.connection import Target
from rtseg.video.urls import redacted


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("rtsp://camera/live", "rtsp://camera/live"),
        ("rtsp://me:word@camera:554/live", "rtsp://camera:554/live"),
        ("rtsp://me:w@rd@camera/live", "rtsp://camera/live"),
        ("rtsp://me:wo/rd@camera/live", "rtsp://camera/live"),
        ("rtsp://me:w?rd@camera/live", "rtsp://camera/live"),
        ("http://camera/a@2x.jpg", "http://camera/a@2x.jpg"),
        ("http://camera:80/a@2x.jpg", "http://camera:80/a@2x.jpg"),
        ("http://[::1]:8080/a@b", "http://[::1]:8080/a@b"),
        ("http://cam/v.cgi?user=me&pwd=word&channel=1", "http://cam/v.cgi?user=...&pwd=...&channel=1"),
        ("http://cam/v?access_token=1&X-Sig=2#t", "http://cam/v?access_token=...&X-Sig=...#t"),
        ("udp://@:1234", "udp://:1234"),
        ("folder//with@sign.mp4", "folder//with@sign.mp4"),
    ],
)
def test_user_password_and_token_are_left_out(uri: str, name: str) -> None:
    assert redacted(uri) == name


def test_a_target_shows_no_secret() -> None:
    assert "word" not in repr(Target.of("rtsp://me:word@camera/live"))
