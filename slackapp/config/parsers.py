"""The forms of settings: each function takes a setting's text and gives its value, or raises ValueError."""

import ipaddress
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from slackapp.checks import installer
from slackapp.checks.slack_ids import is_app, tenant_of_id
from slackapp.errors import ConfigError
from slackapp.model import HOST_CALLBACK_PATH, LOCAL_PROVIDER, LOOPBACK, Secret, Settings, SlackAddresses

_SECRET = re.compile(r"[!-~]{16,128}")
_SCOPE = re.compile(r"[a-z0-9][a-z0-9_.:-]{0,99}")
_LISTEN = re.compile(r"(?:(?P<host>[^:\[\]]+|\[[0-9A-Fa-f:]+\]):)?(?P<port>[0-9]{1,5})")
_EMAIL = re.compile(r"[A-Za-z0-9._+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_URL_ORIGIN = re.compile(r"https?://(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?/?")
_WEBHOOK = re.compile(r"(https?://[^/?#@]+)(/[!-~]{0,1024})?")
_YES_OR_NO = {"yes": True, "true": True, "on": True, "1": True, "no": False, "false": False, "off": False, "0": False}


def _matching(form: str, problem: str) -> Callable[[str], str]:
    """Parser of a text that has that form, a regular expression."""

    def parse(text: str) -> str:
        if not re.fullmatch(form, text):
            raise ValueError(problem)
        return text

    return parse


def _whole_number(least: int, most: int) -> Callable[[str], int]:
    """Parser of a whole number within these bounds."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not least <= int(text) <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return int(text)

    return parse


def _printable(most: int) -> Callable[[str], str]:
    """Parser of one line of that many characters at most, as Slack allows them; not of none."""

    def parse(text: str) -> str:
        if not 1 <= len(text) <= most or not text.isprintable():
            raise ValueError(f"must have 1 to {most} printable characters")
        return text

    return parse


client_id = _matching(r"[0-9]{1,32}\.[0-9]{1,32}", "is not a client id; it is two numbers with a dot between them")
behaviour = _matching(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", "must be of the form module:TABLE")
name, description = _printable(35), _printable(140)
url_path = _matching(r"(/[A-Za-z0-9._~-]+)*/?", "must be a path such as /settings/integrations")
purpose = _matching(r"[A-Za-z0-9_-]{0,64}", "must be at most 64 letters, digits, _ and -, such as notifications")
region = _matching(r"([a-z0-9]+(-[a-z0-9]+)*)?", "must be a word such as eu or us-east-1")
state_ttl = _whole_number(60, 900)
embedded_state_ttl = _whole_number(1, 900)
"""For a program that decides for itself how long its installs may take."""
state_limit = _whole_number(1, 10_000_000)
rate = _whole_number(1, 100_000)
audit_days = _whole_number(0, 36_500)
workspaces = _whole_number(1, 1000)


def app_id(text: str) -> str:
    """Parses an app's id: `A…`."""
    if not is_app(text):
        raise ValueError("is not an app id; it begins with A and stands under Basic Information")
    return text


def secret(text: str) -> Secret:
    """Parses a secret of 16 to 128 visible ASCII characters."""
    if not _SECRET.fullmatch(text):
        raise ValueError("must have 16 to 128 printable ASCII characters and no spaces")
    return Secret(text)


def signing_secrets(text: str) -> tuple[Secret, ...]:
    """Parses one secret, or two with a comma between them."""
    parts = [part.strip() for part in text.split(",")]
    if len(parts) > 2 or len(set(parts)) != len(parts):
        raise ValueError("takes one secret, or two different ones separated by a comma")
    return tuple(secret(part) for part in parts)


def operator_token(text: str) -> Secret:
    """Parses a token of at least 32 characters, because nothing else protects the operator's addresses."""
    if not re.fullmatch(r"[!-~]{32,512}", text):
        raise ValueError("the token must have 32 to 512 printable ASCII characters and no spaces")
    return Secret(text)


def public_url(text: str) -> str:
    """Parses an origin: scheme, host and port, nothing after it."""
    return _origin(text)[0]


def slack_url(text: str) -> SlackAddresses:
    """Derives all addresses of Slack from one: consent page, Web API, origin of response URLs, admin console."""
    origin, host = _origin(text)
    local = host in LOOPBACK
    return SlackAddresses(
        origin=origin,
        authorize=f"{origin}/oauth/v2/authorize",
        api=f"{origin}/api/",
        response_origin=origin if local else f"https://hooks.{host}",
        manage=origin if local else f"https://app.{host}",
        is_local=local,
    )


def path(text: str) -> Path:
    """Parses a path; made absolute here, so that it does not depend on the folder later."""
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError:
        raise ValueError("names the home folder of a user whom this machine does not know") from None


def optional_url(text: str) -> str:
    """Parses an origin, or nothing."""
    return _origin(text)[0] if text else ""


def webhook_url(text: str) -> str:
    """Parses an address with a path, or nothing; without a name and password in it, and without a fragment."""
    found = _WEBHOOK.fullmatch(text)
    if text and (found is None or "#" in text):
        raise ValueError("must be an address such as https://app.example.com/slack/events")
    return _origin(found[1])[0] + (found[2] or "") if found else ""


def optional_path(text: str) -> Path | None:
    """Parses a path, or nothing."""
    return path(text) if text else None


def listen(text: str) -> str:
    """Parses `PORT`, `HOST:PORT` or `unix:/PATH`."""
    if text.startswith("unix:/"):
        return text
    match = _LISTEN.fullmatch(text)
    if match is None or not 0 <= int(match["port"]) <= 65535:
        raise ValueError("must be HOST:PORT or unix:/PATH")
    return f"{match['host'] or '127.0.0.1'}:{int(match['port'])}"


def ip_address(text: str) -> str:
    """Parses one address, never a wildcard; `localhost` for a proxy that comes through a unix socket."""
    if text in ("", "localhost"):
        return text
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        address = None
    if address is None or address.is_unspecified or address.is_multicast:
        raise ValueError("must be the one IP address of the proxy, or localhost for a unix socket")
    return str(address)


def scopes(text: str) -> tuple[str, ...]:
    """Parses scopes, in the order given, without repetition."""
    parts = _listed(text)
    if not all(_SCOPE.fullmatch(part) for part in parts):
        raise ValueError("must be scopes separated by commas, such as app_mentions:read,chat:write")
    return parts


def yes_or_no(text: str) -> bool:
    """Capitals do not matter."""
    if text.lower() not in _YES_OR_NO:
        raise ValueError("must be yes or no")
    return _YES_OR_NO[text.lower()]


def teams(text: str) -> tuple[str, ...]:
    """Ids of workspaces and enterprises; a text without any is no list that lets everybody in."""
    parts = _listed(text)
    if (text and not parts) or not all(tenant_of_id(part) for part in parts):
        raise ValueError("must be ids of workspaces (T…) or organisations (E…), separated by commas")
    return parts


def organizations(text: str) -> tuple[str, ...]:
    """Parses ids of the host's; a text without any is no list that lets everybody in."""
    parts = _listed(text)
    if (text and not parts) or not all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", part) for part in parts):
        raise ValueError("must be ids of organizations, 1 to 64 letters, digits, _ and -, separated by commas")
    return parts


def key_commands(text: str) -> tuple[tuple[str, Path], ...]:
    """Parses `NAME=/PATH`, separated by commas."""
    found: dict[str, Path] = {}
    for part in (part.strip() for part in text.split(",") if part.strip()):
        provider, _, program = part.partition("=")
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,30}", provider) or not re.fullmatch(r"/[^=]+", program):
            raise ValueError("must be NAME=/ABSOLUTE/PATH, separated by commas")
        if provider == LOCAL_PROVIDER or provider in found:
            raise ValueError(f"the name {provider} is taken")
        found[provider] = Path(program)
    return tuple(found.items())


def company(text: str) -> str:
    """Parses one line, or nothing."""
    if len(text) > 200 or not text.isprintable():
        raise ValueError("must have at most 200 printable characters, on one line")
    return text


def email(text: str) -> str:
    """Parses one address, as Slack's own form takes it, or nothing."""
    if text and (len(text) > 100 or not _EMAIL.fullmatch(text)):
        raise ValueError("must be one e-mail address such as support@example.com")
    return text


def check_combinations(settings: Settings) -> None:
    """Checks combinations of settings, which no setting shows alone. Raises ConfigError."""
    if not settings.bot_scopes and not settings.user_scopes:
        raise ConfigError("SLACKAPP_BOT_SCOPES: is empty, and so is SLACKAPP_USER_SCOPES; ask for at least one scope")
    if not settings.slack.is_local and not settings.secure:
        raise ConfigError(
            "SLACKAPP_PUBLIC_URL: must be https, because slack.com sends browsers and events there; "
            "use a tunnel or a proxy with a certificate"
        )
    _require_admin_scope(settings)
    if settings.host_keys_file is not None:
        _check_host(settings)


def _check_host(settings: Settings) -> None:
    """Checks what the host side needs, which is on. Raises ConfigError."""
    if not settings.host_url:
        raise ConfigError("SLACKAPP_HOST_URL: is missing; with SLACKAPP_HOST_KEYS_FILE browsers are sent back there")
    if bool(settings.host_webhook_url) != (settings.host_webhook_secret_file is not None):
        raise ConfigError(
            "SLACKAPP_HOST_WEBHOOK_URL: goes with SLACKAPP_HOST_WEBHOOK_SECRET_FILE; set both, or neither. Make the "
            "file by: slackapp host webhook new FILE"
        )
    redirect_uri = settings.public_url + HOST_CALLBACK_PATH
    if settings.host_redirect_uri not in ("", redirect_uri):
        raise ConfigError(f"SLACK_REDIRECT_URI: must be {redirect_uri}, as SLACKAPP_PUBLIC_URL is; or leave it out")
    require_users_read((*settings.bot_scopes, *settings.user_scopes))


def require_users_read(asked: tuple[str, ...]) -> None:
    """Checks that the host side can see who is an admin. Raises ConfigError."""
    # claim: C-146
    if installer.USERS_READ not in asked:
        raise ConfigError(
            f"SLACKAPP_BOT_SCOPES: add {installer.USERS_READ}; with SLACKAPP_HOST_KEYS_FILE only an admin may give a "
            "workspace to an organization, and only that scope shows who is one"
        )


def _require_admin_scope(settings: Settings) -> None:
    asked = (*settings.bot_scopes, *settings.user_scopes)
    if settings.home_admin and installer.USERS_READ not in settings.bot_scopes:  # it is the bot who asks there
        raise ConfigError(
            f"SLACKAPP_BOT_SCOPES: add {installer.USERS_READ}; SLACKAPP_HOME_ADMIN is on, and only that scope shows "
            "who is an admin"
        )
    if installer.USERS_READ in asked or not installer.needs_admin(asked, settings.require_admin_installer):
        return
    why = "SLACKAPP_REQUIRE_ADMIN_INSTALLER is on"
    for scope in installer.sensitive_scopes(asked)[:1]:
        why = f"{scope} is sensitive (it {installer.why_sensitive(scope)})"
    raise ConfigError(
        f"SLACKAPP_{'BOT' if settings.bot_scopes else 'USER'}_SCOPES: add {installer.USERS_READ}; {why}, "
        "so the installer must be an admin, and only that scope shows who is one"
    )


def _listed(text: str) -> tuple[str, ...]:
    """Lists what stands between commas, each once."""
    return tuple(dict.fromkeys(part for each in text.split(",") if (part := each.strip())))


def _origin(text: str) -> tuple[str, str]:
    """Parses an address without a path: its origin without the scheme's own port, and the name of its host."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", 0
    if not host or port == 0 or not _URL_ORIGIN.fullmatch(text):
        raise ValueError("must be an address such as https://app.example.com, without a path")
    if parts.scheme == "http" and host not in LOOPBACK:
        raise ValueError("must be https; plain http is taken for localhost only")
    netloc = f"[{host}]" if ":" in host else host
    is_default = port in (None, {"http": 80, "https": 443}[parts.scheme])
    return f"{parts.scheme}://{netloc}" + ("" if is_default else f":{port}"), host
