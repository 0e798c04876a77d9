"""Dashboards: Superset's assets from `superset/assets/`, with datasets generated from dbt's manifest."""
