"""The routes of the stand-in, one module per resource of the API."""
