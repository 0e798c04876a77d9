"""Every error that Tracemart raises on purpose.

TracemartError
├── SettingsError                 a setting is missing or wrong
├── BadInputError                 a file that the user handed in is refused, whole
├── LangfuseError                 a Langfuse server
│   ├── LangfuseUnreachableError      does not answer
│   ├── LangfuseAuthError             refuses the key
│   ├── NotLangfuseError              is something else
│   ├── LangfuseRateLimitedError      asks to come back later than it is worth waiting for
│   ├── LangfuseBusyError             is already read by as many of us as it may be
│   │   └── ProjectBusyError              and by one of us for this very project
│   └── LangfuseResponseError         answers what no Langfuse should
│       ├── LangfuseOverloadedError       could not finish a query; a smaller one may work
│       └── LangfuseNotFoundError         has no such endpoint, or no such entry
├── TooManyRejectedError          so many rows of a load cannot be kept that none is
├── ExportError                   a file of an export of Langfuse is missing, or not what its manifest says
│   └── ExportUnreachableError        the place where it lies cannot be read
├── WarehouseError                the warehouse
│   ├── WarehouseUnreachableError     does not answer
│   ├── WarehouseFullError            has no space left
│   └── WarehouseQueryError           refuses a query
├── BuildError                    dbt could not build or a dbt test failed
├── ValidationFailedError         data is not fit to be used or published
├── ClosingError                  a month of chargeback cannot be closed, or opened again
├── ForecastError                 a series file cannot be scored
├── ReportError                   a mail could not be made or sent
│   └── NothingToReportError          the week, or the whole warehouse, has no usage
├── SupersetError                 Superset refuses or does not answer
└── ServiceError                  a service of ours did not start

Each message is one sentence that says what is wrong, where, and what to do. None carries a secret.
"""

from datetime import datetime


class TracemartError(Exception):
    """Anything that a user can act on; the command line prints it alone and exits with 1."""


class SettingsError(TracemartError):
    pass


class BadInputError(TracemartError):
    pass


class LangfuseError(TracemartError):
    pass


class LangfuseUnreachableError(LangfuseError):
    pass


class LangfuseAuthError(LangfuseError):
    pass


class NotLangfuseError(LangfuseError):
    pass


class LangfuseRateLimitedError(LangfuseError):
    """`resume_after` is the moment from which the server answers again."""

    def __init__(self, message: str, resume_after: datetime) -> None:
        super().__init__(message)
        self.resume_after = resume_after


class LangfuseBusyError(LangfuseError):
    pass


class ProjectBusyError(LangfuseBusyError):
    pass


class LangfuseResponseError(LangfuseError):
    pass


class LangfuseOverloadedError(LangfuseResponseError):
    pass


class LangfuseNotFoundError(LangfuseResponseError):
    pass


class TooManyRejectedError(TracemartError):
    pass


class ExportError(TracemartError):
    pass


class ExportUnreachableError(ExportError):
    pass


class WarehouseError(TracemartError):
    pass


class WarehouseUnreachableError(WarehouseError):
    pass


class WarehouseFullError(WarehouseError):
    pass


class WarehouseQueryError(WarehouseError):
    pass


class BuildError(TracemartError):
    pass


class ValidationFailedError(TracemartError):
    pass


class ClosingError(TracemartError):
    pass


class ForecastError(TracemartError):
    pass


class ReportError(TracemartError):
    pass


class NothingToReportError(ReportError):
    pass


class SupersetError(TracemartError):
    pass


class ServiceError(TracemartError):
    pass
