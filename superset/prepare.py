"""Bring Superset's own database to this version, with its roles and an administrator, in one process.

Runs in Superset's environment. `superset db upgrade`, `init` and `fab create-admin` do the same, but import Superset
three times and take the password as an argument. Again and again with the same result.
"""

import logging
import os
import time
from pathlib import Path
from typing import Any

STARTED = time.monotonic()


def say(what: str) -> None:
    print(f"{time.monotonic() - STARTED:5.1f} s  {what}", flush=True)


def prepare() -> None:
    logging.disable(logging.WARNING)
    from flask_migrate import upgrade
    from sqlalchemy.orm import joinedload
    from superset.app import create_app

    import superset

    application = create_app()
    say("Superset is imported")
    with application.app_context():
        from superset import appbuilder, db, security_manager

        upgrade(directory=str(Path(superset.__file__).parent / "migrations"))
        say("its database is upgraded")
        appbuilder.add_permissions(update_perms=True)
        # Held here, they are not asked for one by one, thousands of times, while the roles are put together.
        model = security_manager.permissionview_model
        pairs = db.session.query(model).options(joinedload(model.permission), joinedload(model.view_menu)).all()
        say(f"its {len(pairs)} permissions are known")
        security_manager.sync_role_definitions()
        say("its roles are synchronised")
        set_administrator(security_manager)
        db.session.commit()
        say("the administrator is set")


def set_administrator(security_manager: Any) -> None:
    name, password = os.environ["TRACEMART_SUPERSET_USER"], os.environ["TRACEMART_SUPERSET_PASSWORD"]
    known = security_manager.find_user(username=name)
    if known is None:
        made = security_manager.add_user(
            name, "Tracemart", "Admin", f"{name}@localhost", security_manager.find_role("Admin"), password=password
        )
        if not made:
            raise SystemExit(f"Superset did not make the user {name}.")
    else:
        security_manager.reset_password(known.id, password)


if __name__ == "__main__":
    prepare()
