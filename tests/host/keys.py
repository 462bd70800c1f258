"""Host keys for tests, and tokens that are signed with them by PyJWT."""

from pathlib import Path
from typing import Any

import jwt

from slackapp.crypto import keyfile

KEY_ID, SECRET = "0a1b2c3d", "k" * 43
HOST_URL = "https://product.example.com"


def write_keys(folder: Path, **keys: str) -> Path:
    """A file with these keys, id to secret, in the place of the one that is there; one key where none are given."""
    file = folder / "host.keys"
    lines = [f"slackapp-hk1:{key_id}:{secret}\n" for key_id, secret in (keys or {KEY_ID: SECRET}).items()]
    keyfile.replace_private(file, "".join(lines).encode())
    return file


def host_settings(folder: Path) -> dict[str, str]:
    """What switches the host side on."""
    return {
        "SLACKAPP_HOST_KEYS_FILE": str(write_keys(folder)),
        "SLACKAPP_HOST_URL": HOST_URL,
        "SLACKAPP_BOT_SCOPES": "chat:write,users:read",
    }


def sign(claims: dict[str, Any], key_id: str = KEY_ID, secret: str = SECRET) -> str:
    """A host token."""
    return jwt.encode(claims, secret, algorithm="HS256", headers={"typ": "slackapp-host+jwt", "kid": key_id})
