"""Installation as a grant makes it: what it says, and what it leaves as it was.

A grant of a user's token alone says nothing of the bot, and one for a connection nothing of whoever installed: both
stay as they are known. So does the end of a bot, which only a grant for the bot takes back.
"""

from slackapp.flows.app import App
from slackapp.model import Grant, Installation, InstallationStatus


def make(app: App, grant: Grant, before: Installation | None, now: int) -> Installation:
    """Makes it from the grant, and from what was stored before."""
    # A grant of a user's token alone says nothing about the bot: what is known of the bot stays.
    known = before if before is not None and grant.bot is None else None
    # So does its end: nothing but a grant for the bot brings back one that is dead, or was another tenant's.
    is_dead = known is not None and bool(known.status_reason or known.status == InstallationStatus.NEEDS_REINSTALL)
    return Installation(
        tenant=grant.tenant,
        app_id=app.settings.app_id,
        enterprise_id=grant.enterprise_id,
        enterprise_name=grant.enterprise_name,
        team_id="" if grant.tenant.is_enterprise else grant.team_id,
        team_name="" if grant.tenant.is_enterprise else grant.team_name,
        bot_user_id=known.bot_user_id if known else grant.bot_user_id,
        installer_id=known.installer_id if known and grant.connection_id else grant.installer_id,
        scopes_asked=tuple(sorted(app.settings.bot_scopes)),
        scopes_granted=known.scopes_granted if known else (grant.bot.scopes if grant.bot is not None else ()),
        status=known.status if known is not None and is_dead else InstallationStatus.ACTIVE,
        status_reason=known.status_reason if known is not None and is_dead else "",
        generation=(before.generation if before is not None else 0) + 1,
        installed_at=now,
    )
