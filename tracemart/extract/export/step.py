"""The step `extract` for an export: the manifests that are not in raw yet, oldest first, one transaction each."""

SOURCE = "export"
