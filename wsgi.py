"""The web application for a WSGI server: `gunicorn wsgi:app`, beside one `python -m app worker`."""

import gc

from app.bootstrap import create_app, open_database, warn_of_unknown_names
from app.logs import configure_logs
from app.settings import read_settings

settings = read_settings()
configure_logs(settings.log_level)
warn_of_unknown_names()
app = create_app(settings, open_database(settings))
# Modules stay: walking through them again and again would stop every thread for a tenth of a second.
gc.freeze()
