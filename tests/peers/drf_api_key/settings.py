"""Django for djangorestframework-api-key, tuned: no middleware, JSON only, the connection kept, WAL."""

# Served on this machine alone, for as long as the bench takes.
SECRET_KEY = "only-for-the-bench"
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "urls"
MIDDLEWARE: list[str] = []
INSTALLED_APPS = ["rest_framework", "rest_framework_api_key"]
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGGING_CONFIG = None
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": "peer.db",
        "CONN_MAX_AGE": None,
        "OPTIONS": {"timeout": 5, "init_command": "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL"},
    }
}
REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    # Keys are all there is: the application of users and their passwords need not be installed.
    "UNAUTHENTICATED_USER": None,
}
