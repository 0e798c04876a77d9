"""The weekly report: what it says, how it looks, and sending it once."""

from tracemart.report.rendering import Report, render_weekly
from tracemart.report.sending import SentReport, send_weekly
from tracemart.report.smtp import smtp_url_of
from tracemart.report.week import Week

__all__ = ["Report", "SentReport", "Week", "render_weekly", "send_weekly", "smtp_url_of"]
