"""How Tracemart runs Superset; everything that differs between machines comes from the environment.

TRACEMART_SUPERSET_SECRET_KEY     signs sessions and encrypts the warehouse's password in Superset's own database
TRACEMART_SUPERSET_DATABASE_URI   Superset's own database, `postgresql+psycopg2://…`
TRACEMART_SUPERSET_HOME           where Superset may keep files
"""

import base64
import os
from pathlib import Path

import yaml

HERE = Path(__file__).parent


def picture(name: str) -> str:
    """An SVG as a data URI, so that no browser asks another host for it."""
    return "data:image/svg+xml;base64," + base64.b64encode((HERE / name).read_bytes()).decode()


SECRET_KEY = os.environ["TRACEMART_SUPERSET_SECRET_KEY"]
GUEST_TOKEN_JWT_SECRET = SECRET_KEY
SQLALCHEMY_DATABASE_URI = os.environ["TRACEMART_SUPERSET_DATABASE_URI"]
SQLALCHEMY_ENGINE_OPTIONS = {"pool_pre_ping": True}
DATA_DIR = os.environ["TRACEMART_SUPERSET_HOME"]

APP_NAME = "Tracemart"
LOGO_TOOLTIP = "Tracemart dashboards"
LOGO_TARGET_PATH = "/superset/dashboard/overview/"
FAVICONS = [{"href": picture("favicon.svg")}]

# Numbers and times
DEFAULT_TIME_FILTER = "No filter"
ROW_LIMIT = 10_000
SQL_MAX_ROW = 100_000
DISPLAY_MAX_ROW = 10_000
SUPERSET_WEBSERVER_TIMEOUT = 60
SQLLAB_TIMEOUT = 60

# The answers of a build stand until the next one is published; a minute bounds how stale a chart can be.
CACHE_CONFIG = {"CACHE_TYPE": "SimpleCache", "CACHE_DEFAULT_TIMEOUT": 3600, "CACHE_THRESHOLD": 1000}
DATA_CACHE_CONFIG = {"CACHE_TYPE": "SimpleCache", "CACHE_DEFAULT_TIMEOUT": 60, "CACHE_THRESHOLD": 1000}
FILTER_STATE_CACHE_CONFIG = {"CACHE_TYPE": "SupersetMetastoreCache", "CACHE_DEFAULT_TIMEOUT": 90 * 86_400}
EXPLORE_FORM_DATA_CACHE_CONFIG = {"CACHE_TYPE": "SupersetMetastoreCache", "CACHE_DEFAULT_TIMEOUT": 7 * 86_400}

# Nothing is sent to, and nothing asked from, any other host.
TALISMAN_ENABLED = True
TALISMAN_CONFIG = {
    "content_security_policy": {
        "base-uri": ["'self'"],
        "default-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "worker-src": ["'self'", "blob:"],
        "connect-src": ["'self'"],
        "object-src": "'none'",
        "style-src": ["'self'", "'unsafe-inline'"],
        "font-src": ["'self'", "data:"],
        "script-src": ["'self'", "'strict-dynamic'"],
    },
    "content_security_policy_nonce_in": ["script-src"],
    "force_https": False,
    "session_cookie_secure": os.environ.get("TRACEMART_SUPERSET_HTTPS") == "1",
}
SESSION_COOKIE_NAME = "tracemart_superset"
SESSION_COOKIE_SECURE = os.environ.get("TRACEMART_SUPERSET_HTTPS") == "1"
ENABLE_PROXY_FIX = os.environ.get("TRACEMART_SUPERSET_HTTPS") == "1"
RATELIMIT_STORAGE_URI = "memory://"
CONTENT_SECURITY_POLICY_WARNING = False
PUBLIC_ROLE_LIKE = None

FEATURE_FLAGS = {
    # The big number with its change against the period before is behind this flag.
    "CHART_PLUGINS_EXPERIMENTAL": True,
    "DASHBOARD_RBAC": True,
    "DASHBOARD_VIRTUALIZATION": False,
    "DRILL_BY": True,
    "DRILL_TO_DETAIL": True,
    "EMBEDDABLE_CHARTS": False,
    "ALERT_REPORTS": False,
    "ENABLE_TEMPLATE_PROCESSING": False,
}

ENABLE_UI_THEME_ADMINISTRATION = False
THEME_FONT_URL_ALLOWED_DOMAINS: list[str] = []
THEME_DEFAULT = {
    "token": {
        "brandAppName": APP_NAME,
        "brandLogoAlt": APP_NAME,
        "brandLogoUrl": picture("logo.svg"),
        "brandLogoMargin": "14px 0",
        "brandLogoHref": LOGO_TARGET_PATH,
        "brandLogoHeight": "26px",
        "colorPrimary": "#2456e6",
        "colorLink": "#2456e6",
        "colorError": "#e03131",
        "colorWarning": "#f59f00",
        "colorSuccess": "#12b886",
        "colorInfo": "#4c8dff",
        "colorTextBase": "#16213e",
        "borderRadius": 8,
        "fontUrls": [],
        "fontFamily": "Inter, Helvetica, Arial, sans-serif",
        "fontFamilyCode": "'IBM Plex Mono', 'Courier New', monospace",
        "transitionTiming": 0.2,
        "echartsOptionsOverrides": {
            "legend": {"selector": False, "itemWidth": 14, "itemHeight": 10, "icon": "roundRect"},
        },
        "echartsOptionsOverridesByChartType": {"sunburst_v2": {"textStyle": {"fontSize": 10}}},
    },
    "algorithm": "default",
}
THEME_DARK = {**THEME_DEFAULT, "algorithm": "dark"}

TRACEMART_COLORS = yaml.safe_load((HERE / "assets" / "palette.yaml").read_text())
EXTRA_CATEGORICAL_COLOR_SCHEMES = [
    {
        "id": "tracemart",
        "description": "Tracemart's categories",
        "label": "Tracemart",
        "isDefault": True,
        "colors": TRACEMART_COLORS,
    }
]
EXTRA_SEQUENTIAL_COLOR_SCHEMES = [
    {
        "id": "tracemart_blue",
        "description": "From little to much",
        "label": "Tracemart blue",
        "isDiverging": False,
        "isDefault": True,
        "colors": ["#f1f5ff", "#c9d8ff", "#94b3ff", "#5b86ff", "#2456e6", "#122b73"],
    },
    {
        "id": "tracemart_red",
        "description": "From good to bad",
        "label": "Tracemart red",
        "isDiverging": False,
        "isDefault": False,
        "colors": ["#fff5f5", "#ffc9c9", "#ff8787", "#fa5252", "#c92a2a", "#7f1414"],
    },
]
