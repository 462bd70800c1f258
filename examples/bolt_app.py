"""An app written with Bolt for Python, its tokens kept in this vault. Run it with: python examples/bolt_app.py"""

from os import environ

from slack_bolt import App
from slack_bolt.oauth.oauth_settings import OAuthSettings
from slack_sdk import WebClient

from slackapp.bolt import EncryptedInstallationStore, SignedStateStore

slack = environ.get("SLACKAPP_SLACK_URL", "https://slack.com")
keys = {"client_id": environ["SLACK_CLIENT_ID"], "client_secret": environ["SLACK_CLIENT_SECRET"]}
vault = {"database": "bolt.db", "master_key_file": "master.key", "app_id": environ["SLACK_APP_ID"]}
store = EncryptedInstallationStore(**vault, **keys, slack_url=slack)
states = SignedStateStore(**vault, client_id=keys["client_id"])
oauth = OAuthSettings(**keys, scopes=["app_mentions:read", "chat:write"], installation_store=store, state_store=states,
                      authorization_url=f"{slack}/oauth/v2/authorize")  # fmt: skip
app = App(client=WebClient(base_url=f"{slack}/api/"), signing_secret=environ["SLACK_SIGNING_SECRET"],
          installation_store=store, oauth_settings=oauth)  # fmt: skip
app.event("app_mention")(lambda event, say: say("Hello.", thread_ts=event["ts"]))
store.enable_token_revocation_listeners(app)  # and not Bolt's own, which would obey one that is out of date

if __name__ == "__main__":
    app.start(int(environ.get("PORT", "3000")))
